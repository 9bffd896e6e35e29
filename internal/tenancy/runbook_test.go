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

// block is a fenced block of shell commands in docs/restore.md. The words after
// "sh" say in which cases a person runs it.
type block struct {
	heading string
	cases   []string
	text    string
}

var fence = regexp.MustCompile("(?ms)^(##+ [^\n]*)$|^```sh([^\n]*)\n(.*?)^```$")

func blocks(t *testing.T) []block {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "restore.md"))
	require.NoError(t, err)
	var out []block
	heading := ""
	for _, match := range fence.FindAllStringSubmatch(string(page), -1) {
		if match[1] != "" {
			heading = match[1]
			continue
		}
		out = append(out, block{heading, strings.Fields(match[2]), match[3]})
	}
	require.Len(t, out, strings.Count(string(page), "\n```sh"), "a block of docs/restore.md has no end")
	return out
}

// runbook is the script of some cases: what a person types who follows the page.
// Blocks of a case in except are left out.
func runbook(t *testing.T, except string, cases ...string) string {
	t.Helper()
	all := blocks(t)
	// The page sends whoever lost the cluster to that section first.
	slices.SortStableFunc(all, func(a, b block) int { return order(a) - order(b) })
	var script strings.Builder
	for _, b := range all {
		wanted := slices.ContainsFunc(b.cases, func(c string) bool { return slices.Contains(cases, c) })
		if wanted && !slices.Contains(b.cases, except) {
			script.WriteString(b.text)
		}
	}
	return script.String()
}

func order(b block) int {
	switch b.heading {
	case "## Before you start":
		return 0
	case "## The cluster is gone":
		return 1
	}
	return 2
}

func TestEveryCommandBlockOfTheRestorePageBelongsToACase(t *testing.T) {
	known := []string{"one", "all", "gone", "record", "archive", "live-dump"}
	for _, b := range blocks(t) {
		assert.NotEmpty(t, b.cases, "%s\n%s", b.heading, b.text)
		assert.Subset(t, known, b.cases, "%s\n%s", b.heading, b.text)
	}
}
