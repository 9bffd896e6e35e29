package selfhosted_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/images"
)

const noSpace = "No space left on device"

// on runs a shell command as root, with a folder of this machine or a volume as /disk.
func (s *server) on(t *testing.T, folder, command string) string {
	t.Helper()
	return s.Docker(t, "run", "--rm", "--user", "0", "--network", "none", "--volume", folder+":/disk", "--workdir", "/disk", images.Local(postgres17), "sh", "-euc", command)
}

// fill writes a file that takes all free space of a disk.
const fill = "cat /dev/zero > fill 2> /dev/null || true"

// checkFullBackups makes a backup onto a full disk. The earlier one stays as it is.
func (s *server) checkFullBackups(t *testing.T) {
	small := filepath.Join(s.folder, "small")
	require.NoError(t, os.Mkdir(small, 0o755))
	unmount := s.SmallDisk(t, small, "2m")
	defer unmount()
	before := s.env
	defer func() { s.env = before }()
	s.env = append(s.env[:len(s.env):len(s.env)], "BACKUPS=./small")
	s.run(t, "run", "--rm", "backup")
	const list = "sha256sum -c --status *.sha256; sha256sum 2*"
	first := s.on(t, small, list)
	require.Equal(t, 3, strings.Count(first, "\n"), first)
	s.on(t, small, fill)
	out := s.fails(t, "run", "--rm", "backup")
	assert.Contains(t, out, noSpace)
	assert.Contains(t, out, "the database could not be dumped; the reason is above. Earlier backups were not changed")
	// The dump fits with the digests, and the file with the SHA-256 does not.
	s.on(t, small, "rm fill; "+fill+`; truncate -s "-$(($(cat 2*.dump | wc -c) / 4096 * 4 + 8))K" fill`)
	assert.Contains(t, s.fails(t, "run", "--rm", "backup"), noSpace)
	assert.Equal(t, first, s.on(t, small, list), "nothing else is left, and the first one is whole")
	assert.Equal(t, "0", s.psql(t, "postgres", "SELECT count(*) FROM pg_database WHERE datname = 'agenthq_drill'"))
	s.on(t, small, "rm fill")
	s.run(t, "run", "--rm", "backup")
}

// checkNumbers sets bad numbers for backups. No backup may be deleted.
func (s *server) checkNumbers(t *testing.T) {
	list := func() []string {
		found, err := filepath.Glob(filepath.Join(s.folder, "backups", "*"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		return found
	}
	before, files := s.env, list()
	defer func() { s.env = before }()
	for _, value := range []string{"abc", "0", "-1", "1.5", "10000000000"} {
		for variable, service := range map[string]string{"BACKUP_KEEP": "backup", "BACKUP_EVERY": "scheduled-backups"} {
			s.env = slices.Concat(before, []string{variable + "=" + value})
			out := s.fails(t, "run", "--rm", "--no-deps", service)
			assert.Contains(t, out, variable+" is '"+value+"', and must be a whole number from 1 to 999999999. Correct it in .env. Nothing was changed")
		}
	}
	assert.Equal(t, files, list())
}

// checkFullDatabase fills the disk of the database: before the first start, during work, and at a start.
// It restores a backup into the new database.
func (s *server) checkFullDatabase(t *testing.T, c *client, file string) {
	s.run(t, "down")
	s.Docker(t, "volume", "rm", "agenthq_database")
	s.Docker(t, "volume", "create", "agenthq_database")
	unmount := s.SmallDisk(t, strings.TrimSpace(s.Docker(t, "volume", "inspect", "--format", "{{.Mountpoint}}", "agenthq_database")), "192m")
	defer func() {
		s.run(t, "down")
		unmount()
	}()
	s.on(t, "agenthq_database", fill+"; truncate -s -20M fill")
	s.run(t, "up", "--detach", "--no-deps", "setup", "db")
	s.logged(t, "db", noSpace)
	s.on(t, "agenthq_database", "rm fill")
	s.run(t, "up", "--detach", "--wait")

	// A second database does not fit.
	s.on(t, "agenthq_database", fill+"; truncate -s -30M fill")
	assert.Regexp(t, `the disk of the database has \d+ MB free, and a second database needs \d+ MB. Free some space. Nothing was changed`, s.fails(t, "run", "--rm", "restore", file))
	assert.Regexp(t, `the disk of the database has \d+ MB free`, s.fails(t, "run", "--rm", "backup"))
	s.on(t, "agenthq_database", "rm fill")
	s.run(t, "run", "--rm", "restore", file)
	s.trust(t, c)
	c.await(t)

	before, _ := c.runs(t)
	s.on(t, "agenthq_database", fill)
	accepted := before
	for accepted < before+2000 {
		got, err := c.send("POST", home+"/api/v1/runs", "application/json", fmt.Sprintf(`{"agent":"writer","title":"%s %d"}`, strings.Repeat("x", 100), accepted))
		if err != nil || got.status != http.StatusCreated {
			break
		}
		accepted++
	}
	require.Less(t, accepted, before+2000, "the disk is full")
	s.logged(t, "db", noSpace)
	// A start with a full disk, and the repair of README.
	s.run(t, "restart", "--timeout", "20", "db")
	s.on(t, "agenthq_database", "rm fill")
	s.run(t, "up", "--detach", "--wait")
	after, _ := c.runs(t)
	assert.Equal(t, accepted, after, "each run that was accepted is there")
	c.report(t, "the agent can report again")
	s.checkFullSetup(t, c)
}

// checkFullSetup starts everything while the disk of the secrets is full.
func (s *server) checkFullSetup(t *testing.T, c *client) {
	before := s.inVolumes(t, "cat /secrets/password")
	s.run(t, "stop")
	unmount := s.SmallDisk(t, strings.TrimSpace(s.Docker(t, "volume", "inspect", "--format", "{{.Mountpoint}}", "agenthq_app-secrets")), "4k")
	s.on(t, "agenthq_app-secrets", fill)
	assert.Contains(t, s.fails(t, "up", "--detach", "--wait"), `service "setup" didn't complete successfully`)
	s.logged(t, "setup", noSpace)
	s.run(t, "stop")
	unmount()
	s.run(t, "up", "--detach", "--wait")
	assert.Equal(t, before, s.inVolumes(t, "cat /secrets/password"))
	c.report(t, "the password is the same")
}
