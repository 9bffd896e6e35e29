package onboarding

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
)

// AddEntry returns the text of a stack file with an entry of a new tenant at the end of the
// list. It adds lines, and keeps every other byte: comments, order and line ends. The new text
// has the old settings and the new tenant, and nothing else differs.
//
// An error is settings.Faults if the new text has faults. Another error has the entry, for a
// person to write: the file's form is one that AddEntry does not know, such as a list in
// one line.
func AddEntry(file []byte, t settings.Tenant) ([]byte, error) {
	before, err := settings.LoadStackFile(file)
	if err != nil {
		return nil, err
	}
	text := textOf(file)
	if at := find(file); at.settings != nil {
		text.addTo(at, lines(t))
	}
	out := text.bytes()
	after, err := settings.LoadStackFile(out)
	if err == nil && !isOnlyAddition(before, after, t) {
		err = fmt.Errorf("the list of tenants is not written with one line for each key. Write this entry yourself, below tenants:\n%s", strings.Join(lines(t), "\n"))
	}
	return out, err
}

func isOnlyAddition(before, after settings.Settings, t settings.Tenant) bool {
	want := before
	want.Tenants = append(append([]settings.Tenant{}, before.Tenants...), t.WithDefaults())
	return reflect.DeepEqual(want, after)
}

// lines returns the lines of an entry. Keys with their defaults are left out, but for the
// tier: a person looks for it.
func lines(t settings.Tenant) []string {
	return []string{"- name: " + t.Name, "  plan: " + t.WithDefaults().Plan}
}

// location is where the list of tenants is in a stack file.
type location struct {
	// settings is the map of the settings; nil if there is none. tenants is its list, and key the
	// list's key. Both are nil if there is no list.
	settings, key, tenants *yaml.Node
}

// find looks for the settings as settings.LoadStackFile does, which has accepted the file.
func find(file []byte) location {
	var document yaml.Node
	if yaml.Unmarshal(file, &document) != nil || len(document.Content) == 0 {
		return location{}
	}
	var out location
	_, config := valueOf(document.Content[0], "config")
	_, out.settings = valueOf(config, settings.Key)
	if out.settings == nil || out.settings.Kind != yaml.MappingNode || len(out.settings.Content) == 0 {
		return location{}
	}
	out.key, out.tenants = valueOf(out.settings, "tenants")
	return out
}

func valueOf(node *yaml.Node, key string) (name, value *yaml.Node) {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i], node.Content[i+1]
		}
	}
	return nil, nil
}

// fileText is the text of a file in lines, with the file's line ends.
type fileText struct {
	lines []string
	// end is the end of a line. final is true if the last line has one.
	end   string
	final bool
}

func textOf(file []byte) fileText {
	text := string(file)
	out := fileText{end: "\n", final: strings.HasSuffix(text, "\n")}
	if strings.Contains(text, "\r\n") {
		out.end = "\r\n"
	}
	out.lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range out.lines {
		out.lines[i] = strings.TrimSuffix(line, "\r")
	}
	return out
}

func (f fileText) bytes() []byte {
	text := strings.Join(f.lines, f.end)
	if f.final {
		text += f.end
	}
	return []byte(text)
}

// addTo adds the lines of an entry to the list, or a new list.
func (f *fileText) addTo(at location, entry []string) {
	key := at.settings.Content[0]
	switch {
	case at.key == nil:
		f.insert(f.endOf(key.Line-1, key.Column-1, false), key.Column-1, append([]string{"tenants:"}, indented(entry, 2)...))
	case at.tenants.Kind == yaml.SequenceNode && len(at.tenants.Content) > 0:
		f.insert(f.endOf(at.tenants.Line-1, at.tenants.Column-1, true), at.tenants.Column-1, entry)
	default: // an empty list, "[]" or nothing
		line := at.key.Line - 1
		f.lines[line] = strings.TrimRight(strings.Replace(f.lines[line], "[]", "", 1), " ")
		f.insert(line, at.key.Column-1, indented(entry, 2))
	}
}

func indented(lines []string, spaces int) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = strings.Repeat(" ", spaces) + line
	}
	return out
}

// insert adds lines after another one, with an indentation.
func (f *fileText) insert(after, indent int, lines []string) {
	rest := append(indented(lines, indent), f.lines[after+1:]...)
	f.lines = append(f.lines[:after+1], rest...)
}

// endOf returns the last line of a block that begins at a line and is indented by a number of
// spaces. Comments with that indentation belong to it. A list ends before a line with that
// indentation that is no entry: it may be as little indented as the key above it.
func (f *fileText) endOf(begin, indent int, list bool) int {
	last := begin
	for i := begin + 1; i < len(f.lines); i++ {
		content := strings.TrimLeft(f.lines[i], " ")
		if content == "" {
			continue
		}
		spaces := len(f.lines[i]) - len(content)
		if spaces < indent || list && spaces == indent && content[0] != '-' && content[0] != '#' {
			break
		}
		last = i
	}
	return last
}
