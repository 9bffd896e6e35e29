// Package golden compares the output of tests with files that reviewers read ("golden
// files"). Only tests use it. The flag -update, which `make golden` sets, rewrites the files.
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

// Compare fails the test if got differs from the file testdata/<name> of the package.
func Compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "the golden file is missing; `make golden` writes it")
	if string(want) != got {
		t.Errorf("%s differs from the output; if the lines with + are right, run `make golden`:\n%s", path, difference(string(want), got))
	}
}

// Section fails the test if got differs from the lines of a document between
// <!-- name --> and <!-- /name -->. The path is relative to the test's folder.
func Section(t *testing.T, path, name, got string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	head, rest, found := strings.Cut(string(data), begin)
	require.True(t, found, "%s has no line %s", path, begin)
	want, tail, found := strings.Cut(rest, end)
	require.True(t, found, "%s has no line %s", path, end)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(head+begin+got+end+tail), 0o644))
		return
	}
	if want != got {
		t.Errorf("%s differs from the output; if the lines with + are right, run `make golden`:\n%s", path, difference(want, got))
	}
}

// difference returns the lines that only want has, marked "-", and those that only got
// has, marked "+".
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
