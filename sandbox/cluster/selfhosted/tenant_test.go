package selfhosted_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// platform are statements that give a database what the platform gives it for a tenant acme: see
// "What an entry creates" in docs/tenancy.md.
var platform = []string{
	"CREATE ROLE app LOGIN PASSWORD 'app'", "CREATE ROLE owner_acme", "CREATE ROLE tenant_acme LOGIN PASSWORD 'acme'", "GRANT owner_acme TO app",
	"CREATE SCHEMA tenant_acme AUTHORIZATION owner_acme", "GRANT USAGE ON SCHEMA tenant_acme TO tenant_acme",
	"ALTER DEFAULT PRIVILEGES FOR ROLE owner_acme IN SCHEMA tenant_acme GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tenant_acme",
	"ALTER ROLE tenant_acme SET search_path = tenant_acme",
}

// checkTenant moves the data to a tenant of the platform, in another database of the same server, and
// back.
func (s *server) checkTenant(t *testing.T, g *guide, c *client) {
	_, sum := c.runs(t)
	s.psql(t, "postgres", "CREATE DATABASE platform")
	for _, statement := range platform {
		s.psql(t, "platform", statement)
	}
	s.migrateTenant(t)
	s.psql(t, "platform", "GRANT USAGE ON SCHEMA public TO app")

	const move = "Move to the platform, and back"
	out := s.follow(t, g, move)
	exported := regexp.MustCompile(`export: (acme-\S+\.dump) `).FindStringSubmatch(out)
	require.NotNil(t, exported, out)
	s.onPlatform(t, "EXPORT=/backups/"+exported[1]+"\n"+g.next(t, move))
	tables := s.psql(t, "platform", "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'tenant_acme'::regnamespace AND relkind = 'r'")
	for table := range strings.FieldsSeq(tables) {
		const digest = "SELECT count(*), sum(hashtext(t::text)) FROM "
		assert.Equal(t, s.psql(t, "agenthq", digest+"agenthq."+table+" t"), s.psql(t, "platform", digest+"tenant_acme."+table+" t"), table)
	}
	s.migrateTenant(t)
	for _, login := range []string{"SELECT count(*) FROM runs", "DELETE FROM runs WHERE false", "SELECT new_session(-1, '', '', now())"} {
		s.psql(t, "platform", "SET ROLE tenant_acme; SET search_path = tenant_acme; "+login)
	}
	assert.Equal(t, "f", s.psql(t, "platform", "SELECT has_table_privilege('tenant_acme', 'tenant_acme.agenthq_version', 'SELECT')"), "as after a migration")

	// The platform's archive.sh and dump.sh write such a dump.
	const archived = "20261130T020000Z.dump"
	s.onPlatform(t, "pg_dump -U postgres --format=custom --schema=tenant_acme --file=/backups/"+archived+" platform")
	path := filepath.Join(s.folder, "backups", archived)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	hash := sha256.Sum256(data)
	require.NoError(t, os.WriteFile(path+".sha256", []byte(hex.EncodeToString(hash[:])+"  "+archived+"\n"), 0o600))
	s.run(t, "run", "--rm", "restore", archived, "--overwrite")
	c.await(t)
	_, back := c.runs(t)
	assert.Equal(t, sum, back)
	assert.Equal(t, "f", s.psql(t, "agenthq", "SELECT proacl::text LIKE '%{=X%' FROM pg_proc WHERE proname = 'new_session'"), "PUBLIC may not call it")
	c.report(t, "the agent's key works after the way back")
}

// migrateTenant runs the migrations of the platform's tenants, as AgentHQ does there.
func (s *server) migrateTenant(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	// The container has another user.
	require.NoError(t, os.Chmod(folder, 0o755))
	for name, text := range map[string]string{
		"tenants.json": `[{"name":"acme","host":"acme.example.com","plan":"starter","state":"active","role":"tenant_acme","schema":"tenant_acme"}]`,
		"acme.url":     "postgresql://tenant_acme:acme@db:5432/platform?sslmode=disable",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	// The server admits only AgentHQ's own role by the network.
	s.run(t, "exec", "-T", "db", "sh", "-c", "echo 'host platform app,tenant_acme samenet scram-sha-256' >> /tmp/hba && psql -q -U postgres -c 'SELECT pg_reload_conf()' > /dev/null")
	out := s.Docker(t, "run", "--rm", "--network", "agenthq_database", "--volume", folder+":/etc/tenants:ro",
		"--env", "DATABASE_URL=postgresql://app:app@db:5432/platform?sslmode=disable", agenthq, "migrate")
	assert.Regexp(t, `acme +migrated`, out)
}

// onPlatform runs a script with PostgreSQL's clients, and with DATABASE_URL of the platform's app.
func (s *server) onPlatform(t *testing.T, script string) {
	t.Helper()
	s.Docker(t, "run", "--rm", "--user", "999:999", "--network", "agenthq_database", "--volume", filepath.Join(s.folder, "backups")+":/backups",
		"--volume", "agenthq_socket:/var/run/postgresql", "--tmpfs", "/tmp:uid=999", "--workdir", "/tmp",
		"--env", "DATABASE_URL=postgresql://app:app@db:5432/platform?sslmode=disable", images.Local(postgres17), "sh", "-euc", script)
}
