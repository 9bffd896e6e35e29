package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxBytes is the most bytes of the settings. MaxTenants tenants have about 200 KiB.
	MaxBytes = 1 << 20
	// MaxFileBytes is the most bytes of a stack file. It may also have the app's secrets: 1 MiB,
	// and a third more for their encoding.
	MaxFileBytes = 3 << 20
	// maxMarks is the most commas, colons, brackets, dashes and line ends of a text. It bounds
	// the time that the YAML parser needs. A file with MaxTenants tenants has about 30,000.
	maxMarks = 100_000
	// maxDepth is the most levels of lists and maps. The settings need four.
	maxDepth = 50
)

// ReadFile returns the content of a stack file. It returns an error for a file of more than
// MaxFileBytes, and for a pipe, a device or a folder, without reading them.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file; write the text into a file of this name")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err == nil && len(data) > MaxFileBytes {
		err = fmt.Errorf("has more than %d MiB, the most that a stack file may have; move other data out of it", MaxFileBytes>>20)
	}
	return data, err
}

// parse returns the value of a text that has one YAML document, or nil for an empty text. It
// refuses a text with too many bytes or marks before the YAML parser reads it.
func parse(data []byte, most int) (*yaml.Node, error) {
	if len(data) > most {
		return nil, fmt.Errorf("has %d bytes, and at most %d are read; move other data out of it", len(data), most)
	}
	if marks(data) > maxMarks {
		return nil, fmt.Errorf("has more than %d lines, entries and keys together; move other data out of it", maxMarks)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, notYAML(err)
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF) && deeper(document.Content[0], maxDepth):
		return nil, fmt.Errorf("has more than %d levels of lists and maps in each other; the settings need four", maxDepth)
	case errors.Is(err, io.EOF):
		return document.Content[0], nil
	case err != nil:
		return nil, notYAML(err)
	}
	return nil, fmt.Errorf("has a second YAML document at line %d, which would be ignored; delete it, or the line --- before it", second.Line)
}

func notYAML(err error) error { return fmt.Errorf("is not YAML: %w", err) }

// marks counts the bytes that can begin an entry of YAML. It counts those in quotes and
// comments too.
func marks(data []byte) int {
	n := 0
	for _, c := range data {
		switch c {
		case ',', ':', '-', '?', '[', '{', '\n', '\r':
			n++
		}
	}
	return n
}

// deeper reports whether a node has more than some levels of lists and maps.
func deeper(node *yaml.Node, levels int) bool {
	if len(node.Content) > 0 && levels == 0 {
		return true
	}
	return slices.ContainsFunc(node.Content, func(child *yaml.Node) bool { return deeper(child, levels-1) })
}
