package selfhosted_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// psql runs a statement as the superuser, in the database's container.
func (s *server) psql(t *testing.T, database, statement string) string {
	t.Helper()
	return strings.TrimSpace(s.run(t, "exec", "-T", "db", "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", statement))
}

// logged waits until a service logs a text.
func (s *server) logged(t *testing.T, service, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		out, err := s.tryCompose("logs", "--no-color", service)
		return err == nil && strings.Contains(out, text)
	}, time.Minute, 500*time.Millisecond, "the log of %s has no %q", service, text)
}

func (s *server) checkWrongPassword(t *testing.T, c *client) {
	s.inVolumes(t, "echo 'postgresql://agenthq:wrong@db:5432/agenthq?sslmode=disable' > /app-secrets/database-url")
	s.run(t, "restart", "app")
	s.logged(t, "app", "password authentication failed")
	s.run(t, "up", "--detach", "--wait", "--force-recreate", "app")
	c.ask(t, http.StatusOK, "GET", home+"/export/runs.json", "", "")
}

// The commands are those of README.
func (s *server) checkNewPassword(t *testing.T, c *client) {
	before := s.inVolumes(t, "cat /secrets/password")
	s.run(t, "down")
	s.Docker(t, "volume", "rm", "agenthq_secrets", "agenthq_app-secrets")
	s.run(t, "up", "--detach", "--wait")
	assert.NotEqual(t, before, s.inVolumes(t, "cat /secrets/password"))
	c.ask(t, http.StatusOK, "GET", home+"/export/runs.json", "", "")
}

func (s *server) checkTakenPort(t *testing.T) {
	taken, err := s.Listen("0.0.0.0:8080")
	require.NoError(t, err)
	defer taken.Close()
	s.env = append(s.env, "HTTP_PORT=8080")
	defer func() { s.env = s.env[:len(s.env)-1] }()
	out := s.fails(t, "up", "--detach", "--wait", "caddy")
	assert.Contains(t, out, "8080")
	assert.Regexp(t, "address already in use|port is already allocated", out)
}

func (s *server) checkNewerDatabase(t *testing.T) {
	s.psql(t, "agenthq", "INSERT INTO agenthq.agenthq_version (version_id, is_applied) VALUES (999, true)")
	assert.Contains(t, s.fails(t, "run", "--rm", "migrate"), "the database was migrated by a newer version")
	s.psql(t, "agenthq", "DELETE FROM agenthq.agenthq_version WHERE version_id = 999")
	s.run(t, "run", "--rm", "migrate")
}
