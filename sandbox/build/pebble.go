package build

import (
	"io"
	"path/filepath"
)

// Pebble builds Let's Encrypt's test server for ACME, and returns the path of the program.
func Pebble(root string, progress io.Writer) (string, error) {
	program := filepath.Join(root, ".sandbox", "bin", "pebble")
	b := builder{root: root, progress: progress}
	b.goBuild(filepath.Join(root, "tools", "pebble"), program, "Pebble", "-ldflags=-s", "github.com/letsencrypt/pebble/v2/cmd/pebble")
	return program, b.err
}
