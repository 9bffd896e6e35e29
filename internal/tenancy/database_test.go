package tenancy_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// loginError logs in to a database of the server, and returns the error. pg_hba.conf lets
// every role connect to every database, as DigitalOcean's does. So only the right CONNECT
// decides.
func loginError(t *testing.T, connection, database string) error {
	t.Helper()
	u, err := url.Parse(connection)
	require.NoError(t, err)
	u.Path = "/" + database
	conn, err := pgx.Connect(context.Background(), u.String())
	if err != nil {
		return err
	}
	return conn.Close(context.Background())
}

func TestOtherDatabasesAreClosedWhereTheAdministratorHasTheRight(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		super := b.Superuser(t, "postgres")
		run(t, super, "CREATE DATABASE defaultdb OWNER doadmin", "CREATE ROLE reporting LOGIN PASSWORD 'x'")
		out, err := b.reconcile(t, nil)
		require.NoError(t, err, out)
		assert.NotContains(t, out, "PUBLIC", "a stack without tenants revokes nothing")
		for _, database := range []string{"app", "defaultdb", "postgres"} {
			assert.True(t, ask[bool](t, super, "SELECT has_database_privilege('reporting', $1, 'CONNECT')", database))
		}

		declared := named("acme")
		out, err = b.reconcile(t, declared)
		require.NoError(t, err, out)
		for _, want := range []string{
			"WARNING:  these roles used DATABASE app by the rights of PUBLIC, and lost them; GRANT CONNECT ON DATABASE app TO those that need it: reporting",
			"WARNING:  these roles used DATABASE defaultdb by the rights of PUBLIC, and lost them; GRANT CONNECT ON DATABASE defaultdb TO those that need it: app, reporting",
			"WARNING:  these roles used SCHEMA public by the rights of PUBLIC, and lost them; GRANT USAGE ON SCHEMA public TO those that need it: reporting",
		} {
			assert.Contains(t, out, want)
		}
		acme := b.url(t, declared[0])
		require.ErrorContains(t, loginError(t, acme, "defaultdb"), "permission denied for database")
		for _, of := range []string{"postgres", "template1"} {
			require.NoError(t, loginError(t, acme, of), "a superuser owns this database (docs/tenancy.md)")
		}
		assert.True(t, ask[bool](t, super, "SELECT has_database_privilege('tenant_acme', 'postgres', 'TEMPORARY')"))
		assert.Empty(t, b.must(t, declared), "a second run changes nothing")

		run(t, super, "ALTER DATABASE postgres OWNER TO doadmin", "ALTER DATABASE template1 OWNER TO doadmin")
		assert.Len(t, b.must(t, declared), 2)
		for _, of := range []string{"postgres", "template1"} {
			require.ErrorContains(t, loginError(t, acme, of), "permission denied for database")
		}
		assert.Empty(t, b.must(t, declared))
	})
}

func TestAppsRoleIsLimitedWhereTheAdministratorHasTheRight(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		super := b.Superuser(t, postgrestest.Database)
		limit := func() int { return ask[int](t, super, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app'") }
		out, err := b.reconcile(t, named("acme"))
		require.NoError(t, err, out)
		const refused = "WARNING:  the connections of the app's own role are not limited, because the administrator may not run: ALTER ROLE app CONNECTION LIMIT 6"
		if ask[int](t, super, "SELECT current_setting('server_version_num')::int") >= 160000 {
			assert.Contains(t, out, refused)
			assert.Equal(t, -1, limit())
			run(t, super, "GRANT app TO doadmin WITH ADMIN OPTION")
			out, err = b.reconcile(t, named("acme"))
			require.NoError(t, err, out)
		}
		assert.NotContains(t, out, refused)
		assert.Contains(t, out, "INFO:  ALTER ROLE app CONNECTION LIMIT 6")
		assert.Equal(t, appConnections, limit())
		assert.Empty(t, b.must(t, named("acme")))
		for range appConnections {
			postgrestest.Connect(t, b.URL(postgrestest.App))
		}
		require.ErrorContains(t, loginError(t, b.URL(postgrestest.App), "app"), "too many connections for role")
	})
}
