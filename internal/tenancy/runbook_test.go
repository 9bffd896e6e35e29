package tenancy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The cases of docs/restore.md. The words after "sh" in a fenced block are the cases in which
// a person runs the block.
const (
	oneTenant  = "one"
	everything = "all"
)

type block struct {
	cases []string
	text  string
}

var fence = regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$")

// blocks returns the fenced blocks of docs/restore.md.
func blocks(t *testing.T) []block {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "restore.md"))
	require.NoError(t, err)
	var out []block
	for _, match := range fence.FindAllStringSubmatch(string(page), -1) {
		language, cases, _ := strings.Cut(match[1], " ")
		require.Equal(t, "sh", language, match[2])
		out = append(out, block{strings.Fields(cases), match[2]})
	}
	return out
}

// runbook returns the commands that a person runs who follows the page in one case.
func runbook(t *testing.T, of string) string {
	t.Helper()
	var script strings.Builder
	for _, b := range blocks(t) {
		if slices.Contains(b.cases, of) {
			script.WriteString(b.text)
		}
	}
	return script.String()
}

func TestEveryBlockOfTheRestoreRunbookBelongsToACase(t *testing.T) {
	t.Parallel()
	all := blocks(t)
	require.NotEmpty(t, all)
	for _, b := range all {
		assert.NotEmpty(t, b.cases, b.text)
		assert.Subset(t, []string{oneTenant, everything}, b.cases, b.text)
	}
}
