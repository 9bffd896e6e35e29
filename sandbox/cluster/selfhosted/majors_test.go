package selfhosted_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// checkWrongMajor starts PostgreSQL 18 on the data of 17, and then 17 again.
func (s *server) checkWrongMajor(t *testing.T, c *client) {
	_, sum := c.runs(t)
	before := s.env
	defer func() { s.env = before }()
	s.env = append(s.env[:len(s.env):len(s.env)], "POSTGRES_IMAGE="+images.Local(postgres18))
	s.run(t, "up", "--detach", "--no-deps", "db")
	s.logged(t, "db", "The volume has the data of PostgreSQL 17, and this image is PostgreSQL 18. Nothing was changed.")
	time.Sleep(3 * time.Second) // a container that ended would have started again in the meantime
	assert.Equal(t, "0 running", s.inspect(t, "db", "{{.RestartCount}} {{.State.Status}}"))
	started := time.Now()
	s.run(t, "stop", "db")
	assert.Less(t, time.Since(started), 20*time.Second, "it ends at once")
	s.env = before
	s.run(t, "up", "--detach", "--wait")
	_, same := c.runs(t)
	assert.Equal(t, sum, same)
}

// checkMajorUpgrade goes from PostgreSQL 17 to 18 with the commands of README.
func (s *server) checkMajorUpgrade(t *testing.T, c *client) {
	count, sum := c.runs(t)
	require.Positive(t, count)
	require.Regexp(t, `^17\.`, s.psql(t, "agenthq", "SHOW server_version"))
	var file string
	for line := range strings.Lines(readmeBlock(t, "### Upgrade PostgreSQL")) {
		line = regexp.MustCompile(`POSTGRES_IMAGE=\S+`).ReplaceAllString(line, "POSTGRES_IMAGE="+images.Local(postgres18))
		line = regexp.MustCompile(`\S+\.dump`).ReplaceAllString(line, file)
		out := s.runLine(t, strings.TrimSpace(line))
		if match := regexp.MustCompile(`backup: (\S+\.dump) `).FindStringSubmatch(out); match != nil {
			file = match[1]
		}
	}
	require.Regexp(t, `^18\.`, s.psql(t, "agenthq", "SHOW server_version"))
	s.trust(t, c)
	c.await(t)
	restored, same := c.runs(t)
	assert.Equal(t, count, restored)
	assert.Equal(t, sum, same)
	c.report(t, "the agent's key works with PostgreSQL 18")
	s.backup(t, s.run(t, "run", "--rm", "backup"))
	s.checkVolumes(t)
}

// readmeBlock returns the first block of commands below a heading of selfhosted/README.md.
func readmeBlock(t *testing.T, heading string) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(checkout, "selfhosted", "README.md"))
	require.NoError(t, err)
	_, below, found := strings.Cut(string(readme), "\n"+heading+"\n")
	require.True(t, found, heading)
	_, below, found = strings.Cut(below, "\n```sh\n")
	require.True(t, found, heading)
	block, _, _ := strings.Cut(below, "```")
	return block
}

// runLine runs a command of README in the folder of compose.yaml, and returns its output.
func (s *server) runLine(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command)
	switch {
	case len(words) > 2 && words[0] == "docker" && words[1] == "compose":
		return s.run(t, words[2:]...)
	case words[0] == "docker":
		return s.Docker(t, words[1:]...)
	}
	shell := exec.Command("sh", "-euc", command)
	shell.Dir = s.folder
	out, err := shell.CombinedOutput()
	require.NoError(t, err, "%s: %s", command, out)
	return string(out)
}
