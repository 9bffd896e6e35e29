package selfhosted_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// checkUpgrade replaces the app's container, as an upgrade does, while people open pages. It goes from a
// version to itself, because there is no release yet.
func (s *server) checkUpgrade(t *testing.T, c *client) {
	var failed, all atomic.Int64
	stop := make(chan struct{})
	var people sync.WaitGroup
	people.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
			got, err := c.send("GET", home+"/export/runs.json", "", "")
			if all.Add(1); err != nil || got.status != http.StatusOK {
				failed.Add(1)
			}
		}
	})
	s.run(t, "up", "--detach", "--wait", "--force-recreate", "migrate", "app")
	close(stop)
	people.Wait()
	t.Logf("%d of %d requests failed", failed.Load(), all.Load())
	assert.Greater(t, all.Load(), int64(20))
	assert.Less(t, failed.Load(), int64(10), "less than a second of errors")
}

func (s *server) checkSchedule(t *testing.T) {
	before := s.env
	defer func() { s.env = before }()
	s.env = append(s.env[:len(s.env):len(s.env)], "BACKUPS=./scheduled", "BACKUP_KEEP=1")
	s.run(t, "--profile", "scheduled", "up", "--detach", "--wait", "scheduled-backups")
	dumps := func() []string {
		found, err := filepath.Glob(filepath.Join(s.folder, "scheduled", "*.dump"))
		require.NoError(t, err)
		return found
	}
	first := dumps()
	require.Len(t, first, 1, "it makes the first backup at once")
	time.Sleep(time.Second) // the names have seconds
	s.run(t, "run", "--rm", "backup")
	assert.Len(t, dumps(), 1)
	assert.NotEqual(t, first, dumps(), "the older one was deleted")
	rest, err := os.ReadDir(filepath.Join(s.folder, "scheduled"))
	require.NoError(t, err)
	assert.Len(t, rest, 3, "with its other files")
	s.run(t, "--profile", "scheduled", "rm", "--force", "--stop", "scheduled-backups")
}

// checkDomain uses a domain that needs no Let's Encrypt: Caddy signs names in .internal itself.
func (s *server) checkDomain(t *testing.T, c *client) {
	before := s.env
	defer func() { s.env = before }()
	s.env = append(s.env[:len(s.env):len(s.env)], "DOMAIN=hq.internal", "HTTPS_PORT=8443")
	s.run(t, "up", "--detach", "--wait")
	got, err := c.send("GET", "http://hq.internal/runs", "", "")
	require.NoError(t, err)
	assert.Equal(t, "https://hq.internal:8443/runs", got.location)
	got, err = c.send("GET", "https://hq.internal:8443/sign-in", "", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "max-age=31536000", got.strict, "HSTS")
	link := s.run(t, "exec", "-T", "app", "/agenthq", "invite", "owner@example.com")
	assert.True(t, strings.HasPrefix(link, "https://hq.internal:8443/invitations/"), link)
	s.env = before
	s.run(t, "up", "--detach", "--wait")
	got, err = c.send("GET", home+"/sign-in", "", "")
	require.NoError(t, err)
	assert.Empty(t, got.strict, "other programs on localhost use HTTP")
}
