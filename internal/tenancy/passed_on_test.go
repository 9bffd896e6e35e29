package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// effective returns the rights that acme has granted to other roles, and acme's own.
const effective = `SELECT concat_ws(' ', has_table_privilege('app', 'tenant_acme.feed', 'INSERT WITH GRANT OPTION'), has_table_privilege('tenant_beta', 'tenant_acme.feed', 'INSERT'),
	has_column_privilege('tenant_beta', 'tenant_acme.feed', 'body', 'UPDATE'), has_sequence_privilege('app', 'tenant_acme.numbers', 'USAGE'),
	has_function_privilege('app', 'tenant_acme.secret()', 'EXECUTE'), has_type_privilege('app', 'tenant_acme.mood', 'USAGE'),
	has_table_privilege('tenant_acme', 'tenant_acme.feed', 'INSERT WITH GRANT OPTION'), has_column_privilege('tenant_acme', 'tenant_acme.feed', 'body', 'UPDATE WITH GRANT OPTION'))`

// A dump contains the grantor of each right, and only a superuser may restore a grant of
// another role. A role may also declare default privileges for itself in any schema, without
// a right on it. Neither may prevent that a tenant is archived.
func TestTenantIsArchivedAndRestoredWhateverItsLoginHasGranted(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		beta := settings.Tenant{Name: "beta"}
		b.must(t, tenants(settings.Tenant{Name: "acme", SampleData: true}, beta))
		b.migrate(t, "acme", "CREATE TABLE feed (id int, body text)", "CREATE SEQUENCE numbers", "CREATE TYPE mood AS ENUM ('good')",
			"CREATE FUNCTION secret() RETURNS int LANGUAGE sql AS 'SELECT 42'", "REVOKE ALL ON FUNCTION secret() FROM PUBLIC", "REVOKE ALL ON TYPE mood FROM PUBLIC",
			"GRANT INSERT ON feed TO tenant_acme WITH GRANT OPTION", "GRANT UPDATE (body) ON feed TO tenant_acme WITH GRANT OPTION",
			"GRANT USAGE ON SEQUENCE numbers TO tenant_acme WITH GRANT OPTION", "GRANT EXECUTE ON FUNCTION secret() TO tenant_acme WITH GRANT OPTION",
			"GRANT USAGE ON TYPE mood TO tenant_acme WITH GRANT OPTION", "GRANT USAGE ON SCHEMA tenant_acme TO tenant_acme WITH GRANT OPTION")
		acme, other := postgrestest.Connect(t, b.url(t, named("acme")[0])), postgrestest.Connect(t, b.url(t, tenants(beta)[0]))
		app := postgrestest.Connect(t, b.URL(postgrestest.App))
		run(t, acme, "GRANT INSERT ON feed TO app WITH GRANT OPTION", "GRANT UPDATE (body) ON feed TO tenant_beta", "GRANT USAGE ON SEQUENCE numbers TO app",
			"GRANT EXECUTE ON FUNCTION secret() TO app", "GRANT USAGE ON TYPE mood TO app", "GRANT USAGE ON SCHEMA tenant_acme TO app",
			"ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_acme GRANT SELECT ON TABLES TO app")
		run(t, other, "ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_acme GRANT SELECT ON TABLES TO tenant_acme")
		run(t, app, "GRANT INSERT ON tenant_acme.feed TO tenant_beta")
		super := b.Superuser(t, postgrestest.Database)
		before := ask[string](t, super, effective)
		require.NotContains(t, before, "f")

		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, beta))
		require.NoError(t, err, out)
		assert.Contains(t, out, "tenant acme: archived")
		assert.False(t, ask[bool](t, super, "SELECT has_schema_privilege('app', 'tenant_acme', 'USAGE')"), "only the tenant's login may use the schema")
		assert.Equal(t, before, ask[string](t, super, effective))
		run(t, other, "ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_acme GRANT SELECT ON SEQUENCES TO tenant_acme")
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}, beta))
		back := tenants(settings.Tenant{Name: "acme", Restore: true}, beta)
		b.must(t, back)
		assert.Equal(t, before, ask[string](t, super, effective))
		assert.Equal(t, 200, ask[int](t, postgrestest.Connect(t, b.url(t, back[0])), "SELECT count(*) FROM orders"))
		assert.Empty(t, b.must(t, back))
	})
}
