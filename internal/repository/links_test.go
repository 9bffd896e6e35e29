package repository_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	// testName is a test's name in a page; tests run by a prefix of a name are not in it.
	testName = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	// unspoken is what GitHub leaves out of a heading's anchor.
	unspoken = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// pages returns the Markdown files of the repository, by their path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != "../.."
		if entry.IsDir() && (hidden || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			out[filepath.ToSlash(strings.TrimPrefix(path, "../../"))] = fenced.ReplaceAllString(read(t, path), "")
		}
		return nil
	}))
	return out
}

// anchors returns the anchors of a page's headings, as GitHub makes them.
func anchors(page string) []string {
	var out []string
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		text := unspoken.ReplaceAllString(strings.ToLower(match[1]), "")
		out = append(out, strings.ReplaceAll(text, " ", "-"))
	}
	return out
}

func TestEveryLinkOfThePagesLeadsToAFileAndAHeading(t *testing.T) {
	all := pages(t)
	checked := 0
	for path, text := range all {
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, ":") { // another site
				continue
			}
			checked++
			file := path
			if target != "" {
				file = filepath.ToSlash(filepath.Join(filepath.Dir(path), target))
			}
			_, err := os.Stat(filepath.Join("..", "..", file))
			if assert.NoError(t, err, "%s links to %s", path, match[1]) && anchor != "" {
				assert.Contains(t, anchors(all[file]), anchor, "%s links to %s", path, match[1])
			}
		}
	}
	assert.Greater(t, checked, 100)
}

func TestTheIndexOfTheDocsHasEveryPage(t *testing.T) {
	index := read(t, "../../docs/README.md")
	found := 0
	for path := range pages(t) {
		name, ok := strings.CutPrefix(path, "docs/")
		if !ok || name == "README.md" {
			continue
		}
		found++
		assert.Contains(t, index, "("+name, "docs/README.md does not name %s", path)
	}
	assert.Greater(t, found, 25)
}

// A contributor searches for the test that a page names.
func TestEveryTestThatThePagesNameExists(t *testing.T) {
	declared := map[string]bool{}
	require.NoError(t, filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)`).FindAllStringSubmatch(read(t, path), -1) {
				declared[match[1]] = true
			}
		}
		return err
	}))
	named := 0
	for path, text := range pages(t) {
		for _, match := range testName.FindAllStringSubmatch(text, -1) {
			named++
			assert.True(t, declared[match[1]], "%s names the test %s", path, match[1])
		}
	}
	assert.Greater(t, named, 10)
}
