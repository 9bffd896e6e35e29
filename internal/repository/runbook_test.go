package repository_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// foreignMessages are messages of other programs, each with its source.
var foreignMessages = map[string]string{
	"the stack is currently locked":             "pulumi, pkg/backend/diy/lock.go",
	"pending operations":                        "pulumi, pkg/engine and pkg/backend",
	"cannot be deleted because it is protected": "pulumi, pkg/resource/deploy/step.go",
	"unable to replace resource":                "pulumi, pkg/resource/deploy/step_generator.go",
	"failed to download":                        "helm, a chart's download (helm/helm#10181)",
	"exceeded quota: budget":                    "kube-apiserver, pkg/admission/plugin/resourcequota/controller.go; the e2e tests see it",
	"failed quota: budget: must specify":        "kube-apiserver, pkg/admission/plugin/resourcequota/controller.go; the e2e tests see it",
}

var quoted = regexp.MustCompile("`([^`]+)`")

// People on call search the runbook for the message on the screen, so it has to quote what
// a program prints.
func TestTheRunbookQuotesMessagesThatProgramsPrint(t *testing.T) {
	code := sourceText(t)
	rows, checked := 0, 0
	for line := range strings.Lines(section(t, "../../docs/operations.md", "## A run fails")) {
		message, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !ok || message == "message" || strings.HasPrefix(message, "---") {
			continue
		}
		rows++
		for _, match := range quoted.FindAllStringSubmatch(message, -1) {
			for part := range strings.SplitSeq(match[1], "…") {
				part = strings.TrimSpace(strings.Trim(part, " "))
				if len(part) < 6 || strings.HasPrefix(part, "-") || foreignMessages[part] != "" {
					continue
				}
				checked++
				assert.True(t, regexp.MustCompile(pattern(part)).MatchString(code), "no program prints %q", part)
			}
		}
	}
	assert.Greater(t, rows, 15, "rows of the table")
	assert.Greater(t, checked, 20, "messages that were looked up")
}

// pattern returns a regular expression that finds a message in the source. In the source
// a verb such as %s takes the place of a number, a name or a word.
func pattern(message string) string {
	for _, value := range [][2]string{{"have N faults", "have %s"}, {"over by $", "over by %s"}, {"refuses urn:", "refuses %s"}, {"reconcile-", `"reconcile"`}, {"confirm-", `"confirm"`}} {
		message = strings.ReplaceAll(message, value[0], value[1])
	}
	quotedMessage := regexp.QuoteMeta(message)
	for _, name := range []string{"DIGITALOCEAN_ACCESS_TOKEN", "digitalocean:token", `settings\.region`} {
		quotedMessage = strings.ReplaceAll(quotedMessage, name+":", "(?:%s|"+name+"):")
	}
	return quotedMessage
}

// sourceText returns the source of all code of the project that prints messages.
func sourceText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"../../stacks", "../../components", "../../internal", "../../sandbox/provider", "../../cmd"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !slices.Contains([]string{".go", ".sql", ".sh", ".sed"}, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			all.Write(data)
			return err
		}))
	}
	return all.String()
}

// section returns the text below a heading, up to the next heading of the second level.
func section(t *testing.T, path, heading string) string {
	t.Helper()
	_, after, found := strings.Cut(read(t, path), "\n"+heading+"\n")
	require.True(t, found, heading)
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}
