package selfhosted_test

import (
	"fmt"
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

// checkUpgrade follows README to an image of another tag while people open pages. The image is the same,
// because there is no release yet.
func (s *server) checkUpgrade(t *testing.T, g *guide, c *client) {
	const newer = "agenthq:1.0.1"
	s.Docker(t, "tag", agenthq, newer)
	s.setVariables(t, strings.Replace(s.variables(t), agenthq, newer, 1))
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
	s.follow(t, g, "Upgrade")
	close(stop)
	people.Wait()
	assert.Equal(t, newer, s.inspect(t, "app", "{{.Config.Image}}"))
	t.Logf("%d of %d requests failed", failed.Load(), all.Load())
	assert.Greater(t, all.Load(), int64(20))
	assert.Less(t, failed.Load(), int64(10), "less than a second of errors")
}

func (s *server) checkSchedule(t *testing.T, g *guide) {
	s.follow(t, g, "Back up")
	assert.Equal(t, "running", s.inspect(t, "scheduled-backups", "{{.State.Status}}"))
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
func (s *server) checkDomain(t *testing.T, g *guide, c *client) {
	before := s.variables(t)
	s.setVariables(t, before+"HTTPS_PORT=8443\n")
	s.follow(t, g, "Use a domain")
	s.follow(t, g, "Another proxy in front")
	got, err := c.send("GET", "http://hq.internal/runs", "", "")
	require.NoError(t, err)
	assert.Equal(t, "https://hq.internal:8443/runs", got.location)
	got, err = c.send("GET", "https://hq.internal:8443/sign-in", "", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "max-age=31536000", got.strict, "HSTS")
	link := s.run(t, "exec", "-T", "app", "/agenthq", "invite", "owner@example.com")
	assert.True(t, strings.HasPrefix(link, "https://hq.internal:8443/invitations/"), link)
	// The test is the other proxy now.
	assert.False(t, c.throttled(t, "https://hq.internal:8443", "198.51.100.%d"), "clients of the other proxy have their own addresses")
	assert.True(t, c.throttled(t, "https://hq.internal:8443", "198.51.100.%d, 203.0.113.9"), "what the client wrote is further left")
	s.setVariables(t, before)
	s.run(t, "up", "--detach", "--wait")
	got, err = c.send("GET", home+"/sign-in", "", "")
	require.NoError(t, err)
	assert.Empty(t, got.strict, "other programs on localhost use HTTP")
}

// throttled reports whether AgentHQ refuses the last of 25 attempts to join. It accepts 20 from each
// address. Each attempt has another number in the header X-Forwarded-For.
func (c *client) throttled(t *testing.T, address, forwarded string) bool {
	t.Helper()
	defer func() { c.forwarded = "" }()
	status := 0
	for i := range 25 {
		c.forwarded = fmt.Sprintf(forwarded, i+1)
		got, err := c.send("POST", address+"/invitations/unknown", form, "name=Eve")
		require.NoError(t, err)
		status = got.status
	}
	return status == http.StatusTooManyRequests
}
