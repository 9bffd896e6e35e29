package repository_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeCommand puts a command on PATH that logs its arguments and runs a script. It returns
// the path of the log.
func fakeCommand(t *testing.T, name, script string) string {
	t.Helper()
	folder := t.TempDir()
	log := filepath.Join(folder, name+".log")
	text := "#!/usr/bin/env bash\necho \"$*\" >>" + log + "\n" + script + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

// runScript runs a script of .github/scripts and returns its output.
func runScript(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(".github", "scripts", name), args...)
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func TestPlanScriptWritesACommentIfNothingChanged(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plan")
	out, err := runScript(t, "plan", "HEAD", "7", folder)
	require.NoError(t, err, out)
	comment := read(t, filepath.Join(folder, "comment.md"))
	assert.Regexp(t, `\| demo \| \$\d+\.\d\d \| \$0\.00 \| \$80\.00 \|`, comment)
	assert.LessOrEqual(t, strings.Count(comment, "\n"), 30)
	assert.Equal(t, "7\n", read(t, filepath.Join(folder, "number")))
}

func TestPlanScriptWritesACommentAndFailsForAFaultyRevision(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plan")
	_, err := runScript(t, "plan", "no-such-revision", "7", folder)
	require.Error(t, err)
	assert.Contains(t, read(t, filepath.Join(folder, "comment.md")), "is no revision of this repository")
}

// commentFolder returns a folder with the files that the plan job uploads.
func commentFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "number"), []byte("7\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "comment.md"), []byte("### Plan\n"), 0o600))
	return folder
}

// ghComments is the script of a fake gh. It answers the query for the head of the pull
// request 7, and the query for existing comments.
const ghComments = `case "$*" in
*pulls/7*) echo abc ;;
*--paginate*) echo "$EXISTING" ;;
esac`

func TestCommentScriptPostsTheFirstCommentAndUpdatesItLater(t *testing.T) {
	for existing, want := range map[string]string{
		"": "--method POST repos/o/r/issues/7/comments", "42": "--method PATCH repos/o/r/issues/comments/42",
	} {
		t.Setenv("EXISTING", existing)
		log := fakeCommand(t, "gh", ghComments)
		out, err := runScript(t, "comment", "o/r", "abc", "plan", commentFolder(t))
		require.NoError(t, err, out)
		assert.Contains(t, read(t, log), want)
	}
}

func TestCommentScriptPostsNothingForAnotherCommit(t *testing.T) {
	log := fakeCommand(t, "gh", ghComments)
	out, err := runScript(t, "comment", "o/r", "another", "plan", commentFolder(t))
	require.NoError(t, err, out)
	assert.NotContains(t, read(t, log), "--method")
}

func TestWatchScriptOpensUpdatesAndClosesOneIssue(t *testing.T) {
	for name, c := range map[string]struct{ pulumi, existing, want string }{
		"first": {"echo drifted; exit 255", "", "issue create --repo o/r --title Drift in demo"},
		"again": {"echo drifted; exit 255", "9", "issue edit 9 --repo o/r"},
		"fixed": {"exit 0", "9", "issue close 9 --repo o/r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("EXISTING", c.existing)
			fakeCommand(t, "pulumi", c.pulumi)
			log := fakeCommand(t, "gh", `case "$*" in *"issue list"*) echo "$EXISTING" ;; esac`)
			out, err := runScript(t, "watch", "Drift in demo", "o/r", "docs/x.md", "pulumi", "preview")
			assert.Equal(t, name != "fixed", err != nil, out)
			assert.Contains(t, read(t, log), c.want)
		})
	}
}

func TestPreviewScriptFoldsTheOutputAndFailsWithThePreview(t *testing.T) {
	for script, failed := range map[string]bool{"echo '+ resource'": false, "echo broken; exit 1": true} {
		folder := t.TempDir()
		log := fakeCommand(t, "pulumi", script)
		_, err := runScript(t, "preview", "prod", "7", folder)
		assert.Equal(t, failed, err != nil)
		text := read(t, filepath.Join(folder, "comment.md"))
		assert.Contains(t, text, "<details>")
		assert.Equal(t, failed, strings.Contains(text, "FAILED"))
		assert.Contains(t, read(t, log), "preview --stack prod --diff")
	}
}

func TestActionsArePinnedByCommit(t *testing.T) {
	var files []string
	for _, pattern := range []string{"workflows/*.yaml", "actions/*/action.yaml"} {
		found, err := filepath.Glob("../../.github/" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	uses := regexp.MustCompile(`uses: (\S+)`)
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	thirdParty := 0
	for _, file := range files {
		for _, match := range uses.FindAllStringSubmatch(read(t, file), -1) {
			if own, ok := strings.CutPrefix(match[1], "./"); ok {
				assert.FileExists(t, filepath.Join("..", "..", own, "action.yaml"), file)
				continue
			}
			assert.Regexp(t, pinned, match[1], file)
			thirdParty++
		}
	}
	assert.Greater(t, thirdParty, 5, "actions of other repositories")
}
