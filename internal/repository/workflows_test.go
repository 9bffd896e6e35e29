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

// fake puts a command on PATH that logs its arguments and runs a script.
func fake(t *testing.T, name, script string) string {
	t.Helper()
	folder := t.TempDir()
	log := filepath.Join(folder, name+".log")
	text := "#!/usr/bin/env bash\necho \"$*\" >>" + log + "\n" + script + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755))
	t.Setenv("PATH", folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}

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

func TestThePlanIsWrittenAsACommentEvenWhenNothingChanged(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plan")
	out, err := runScript(t, "plan", "HEAD", "7", folder)
	require.NoError(t, err, out)
	comment := read(t, filepath.Join(folder, "comment.md"))
	assert.Contains(t, comment, "| demo | $51.65 |")
	assert.LessOrEqual(t, strings.Count(comment, "\n"), 30)
	assert.Equal(t, "7\n", read(t, filepath.Join(folder, "number")))
}

func TestAPlanThatCannotBeMadeIsACommentTooAndFails(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plan")
	_, err := runScript(t, "plan", "no-such-revision", "7", folder)
	require.Error(t, err)
	assert.Contains(t, read(t, filepath.Join(folder, "comment.md")), "is no revision of this repository")
}

// comment is a folder as the plan job leaves it.
func comment(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "number"), []byte("7\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "comment.md"), []byte("### Plan\n"), 0o600))
	return folder
}

const github = `case "$*" in
*pulls/7*) echo abc ;;
*--paginate*) echo "$EXISTING" ;;
esac`

func TestTheFirstCommentIsPostedAndTheNextUpdatesIt(t *testing.T) {
	for existing, want := range map[string]string{
		"": "--method POST repos/o/r/issues/7/comments", "42": "--method PATCH repos/o/r/issues/comments/42",
	} {
		t.Setenv("EXISTING", existing)
		log := fake(t, "gh", github)
		out, err := runScript(t, "comment", "o/r", "abc", "plan", comment(t))
		require.NoError(t, err, out)
		assert.Contains(t, read(t, log), want)
	}
}

func TestACommentForAnotherCommitIsNotPosted(t *testing.T) {
	log := fake(t, "gh", github)
	out, err := runScript(t, "comment", "o/r", "another", "plan", comment(t))
	require.NoError(t, err, out)
	assert.NotContains(t, read(t, log), "--method")
}

func TestDriftOpensOneIssueUpdatesItAndClosesIt(t *testing.T) {
	for name, c := range map[string]struct{ pulumi, existing, want string }{
		"first":  {"echo drifted; exit 255", "", "issue create --repo o/r --title Drift in demo"},
		"again":  {"echo drifted; exit 255", "9", "issue edit 9 --repo o/r"},
		"healed": {"exit 0", "9", "issue close 9 --repo o/r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("EXISTING", c.existing)
			fake(t, "pulumi", c.pulumi)
			log := fake(t, "gh", `case "$*" in *"issue list"*) echo "$EXISTING" ;; esac`)
			out, err := runScript(t, "drift", "demo", "o/r")
			assert.Equal(t, name != "healed", err != nil, out)
			assert.Contains(t, read(t, log), c.want)
		})
	}
}

func TestAPreviewIsFoldedAndItsFailureFails(t *testing.T) {
	for script, failed := range map[string]bool{"echo '+ resource'": false, "echo broken; exit 1": true} {
		folder := t.TempDir()
		log := fake(t, "pulumi", script)
		_, err := runScript(t, "preview", "prod", "7", folder)
		assert.Equal(t, failed, err != nil)
		text := read(t, filepath.Join(folder, "comment.md"))
		assert.Contains(t, text, "<details>")
		assert.Equal(t, failed, strings.Contains(text, "FAILED"))
		assert.Contains(t, read(t, log), "preview --stack prod --diff")
	}
}

func TestEveryActionIsPinnedByCommit(t *testing.T) {
	var files []string
	for _, pattern := range []string{"workflows/*.yaml", "actions/*/action.yaml"} {
		found, err := filepath.Glob("../../.github/" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	uses := regexp.MustCompile(`uses: (\S+)`)
	pinned := regexp.MustCompile(`^[\w-]+/[\w-]+@[0-9a-f]{40}$`)
	for _, file := range files {
		for _, match := range uses.FindAllStringSubmatch(read(t, file), -1) {
			if own, ok := strings.CutPrefix(match[1], "./"); ok {
				assert.FileExists(t, filepath.Join("..", "..", own, "action.yaml"), file)
				continue
			}
			assert.Regexp(t, pinned, match[1], file)
		}
	}
}
