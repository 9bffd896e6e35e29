package tenancy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// AgentHQ stores sessions of a full tenant by a function of the owner. It has to work with the real
// withholding of rights, and to survive what moves a schema.
func TestAgentHQsSessionsAreStoredAboveTheStorageAndAfterARenameAndARestore(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme", "beta")
		b.must(t, declared)
		migrations, err := filepath.Glob("../../showcase/internal/migrate/sql/*.sql")
		require.NoError(t, err)
		require.NotEmpty(t, migrations)
		for _, file := range migrations {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			b.migrate(t, "acme", string(text))
		}
		b.migrate(t, "acme", "INSERT INTO members (email, name, role, password) VALUES ('a@example.com', 'A', 'owner', 'hash')")
		fill(t, b, 70)
		b.must(t, declared)
		signIn := func(tenant settings.Tenant, hash string) bool {
			conn := postgrestest.Connect(t, b.url(t, tenant))
			denies(t, conn, "INSERT INTO sessions (token_hash, member_id, expires_at) VALUES ('', 1, now())")
			assert.False(t, ask[bool](t, conn, "SELECT has_table_privilege('sessions', 'INSERT, UPDATE')"), "so AgentHQ knows that it is full")
			return ask[bool](t, conn, "SELECT coalesce(new_session(1, $1, sha256(random()::text::bytea), now() + interval '1 day'), false)", hash)
		}
		assert.True(t, signIn(declared[0], "hash"))
		assert.False(t, signIn(declared[0], "another hash"))
		denies(t, postgrestest.Connect(t, b.url(t, declared[1])), "SELECT tenant_acme.new_session(1, 'hash', '', now())")

		renamed := tenants(settings.Tenant{Name: "other", RenamedFrom: "acme"}, settings.Tenant{Name: "beta"})
		out, err := b.reconcile(t, renamed)
		require.NoError(t, err, out)
		assert.NotContains(t, out, "the old schema in their text")
		assert.True(t, signIn(renamed[0], "hash"))

		beta := settings.Tenant{Name: "beta"}
		b.must(t, tenants(settings.Tenant{Name: "acme", RenamedFrom: "other"}, beta))
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, beta))
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}, beta))
		back := tenants(settings.Tenant{Name: "acme", Restore: true}, beta)
		b.must(t, back)
		assert.True(t, signIn(back[0], "hash"))
		super := b.Superuser(t, postgrestest.Database)
		assert.Equal(t, 3, ask[int](t, super, "SELECT count(*) FROM tenant_acme.sessions"))
		assert.Equal(t, "owner_acme", ask[string](t, super, "SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'new_session'"))
	})
}
