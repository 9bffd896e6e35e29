// Package golden compares texts with files that reviewers read. Tests only.
package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Compare holds a text against a file under testdata; -update rewrites it, which
// `make golden` does for all.
func Compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "no golden file; make golden writes it")
	if string(want) != got {
		t.Errorf("%s differs; read the difference, then make golden:\n%s", path, difference(string(want), got))
	}
}

// difference are the lines that only one of two texts has.
func difference(want, got string) string {
	var out strings.Builder
	for _, side := range []struct{ mark, text, other string }{{"-", want, got}, {"+", got, want}} {
		others := strings.Split(side.other, "\n")
		for line := range strings.SplitSeq(side.text, "\n") {
			if !slices.Contains(others, line) {
				fmt.Fprintf(&out, "%s %s\n", side.mark, line)
			}
		}
	}
	return out.String()
}
