package tenancy_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// escalate is what planted code tries: to become the role that runs it, to write to another
// tenant, and to create an administrator. It ignores its errors.
const escalate = `
	BEGIN PERFORM set_config('role', session_user, true); EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'GRANT owner_beta TO tenant_acme'; EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'GRANT doadmin TO tenant_acme'; EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'CREATE ROLE spy LOGIN CREATEROLE'; EXCEPTION WHEN OTHERS THEN NULL; END;
	BEGIN EXECUTE 'DELETE FROM tenant_beta.orders'; EXCEPTION WHEN OTHERS THEN NULL; END;`

// plant runs a malicious migration of acme. Its code runs when a session reads, checks, plans
// or restores the tables.
func plant(t *testing.T, b *bed) {
	t.Helper()
	b.migrate(t, "acme",
		"CREATE TABLE evil (id int)", "INSERT INTO evil VALUES (1), (2)",
		"CREATE FUNCTION as_text(of evil) RETURNS text LANGUAGE plpgsql AS $$ BEGIN "+escalate+" RETURN 'x'; END $$",
		"CREATE CAST (evil AS text) WITH FUNCTION as_text(evil)",
		"CREATE FUNCTION climb(x int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN "+escalate+" RETURN true; END $$",
		"CREATE FUNCTION on_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+escalate+" RETURN NEW; END $$",
		"ALTER TABLE evil ADD CHECK (climb(id))", "SET LOCAL ROLE owner_acme", "CREATE INDEX ON evil (climb(id))", "CREATE INDEX ON evil ((climb(1)))", "SET LOCAL ROLE owner_acme",
		"CREATE TRIGGER spring BEFORE INSERT ON evil FOR EACH ROW EXECUTE FUNCTION on_write()",
		"ALTER TABLE evil ENABLE ROW LEVEL SECURITY", "CREATE POLICY everybody ON evil USING (climb(id))")
	// The planted code has run during the migration already, with the rights of the app's role.
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "DROP ROLE IF EXISTS spy")
}

func TestPlantedCodeRunsOnlyAsTheOwnerInArchivePurgeAndRestore(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		beta := settings.Tenant{Name: "beta", SampleData: true}
		b.must(t, tenants(settings.Tenant{Name: "acme"}, beta))
		plant(t, b)
		super := b.Superuser(t, postgrestest.Database)
		run(t, super, "INSERT INTO tenant_beta.orders SELECT n, 1, now(), 5 FROM generate_series(1000, 1099) n")
		orders := ask[int](t, super, "SELECT count(*) FROM tenant_beta.orders")
		untouched := func(after string) {
			t.Helper()
			assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_roles WHERE rolname = 'spy'"), after)
			assert.Zero(t, ask[int](t, super, `SELECT count(*) FROM pg_auth_members WHERE member::regrole::text IN ('tenant_acme', 'owner_acme')`), after)
			assert.Equal(t, orders, ask[int](t, super, "SELECT count(*) FROM tenant_beta.orders"), after)
		}
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, beta))
		untouched("archive")
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}, beta))
		untouched("purge")
		b.must(t, tenants(settings.Tenant{Name: "acme", Restore: true}, beta))
		untouched("restore")
		assert.Equal(t, 1, ask[int](t, super, "SELECT count(*) FROM pg_cast WHERE castsource = 'tenant_acme.evil'::regtype"), "the cast is restored as well")
	})
}

func TestAppsRoleCannotBecomeTheOwnerOfATenantThatOwnsItsSchema(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme", OwnsSchema: true}, settings.Tenant{Name: "beta"})
		b.must(t, declared)
		acme := postgrestest.Connect(t, b.url(t, declared[0]))
		run(t, acme, "CREATE TABLE notes (id int)", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
		assert.Equal(t, "owner_acme", ask[string](t, acme, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'notes'"))
		_, err := postgrestest.Connect(t, b.URL(postgrestest.App)).Exec(context.Background(), "SET ROLE owner_acme")
		require.ErrorContains(t, err, "permission denied to set role")
		_, err = acme.Exec(context.Background(), "SET ROLE owner_beta")
		require.ErrorContains(t, err, "permission denied to set role")

		closed := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta"})
		require.NoError(t, acme.Close(context.Background()))
		b.must(t, closed)
		acme = postgrestest.Connect(t, b.url(t, closed[0]))
		_, err = acme.Exec(context.Background(), "CREATE TABLE more (id int)")
		require.ErrorContains(t, err, "permission denied")
		run(t, acme, "INSERT INTO notes VALUES (1)")
	})
}

// tenantWithoutOwner creates acme as an earlier version did: its login owns everything.
func tenantWithoutOwner(t *testing.T, b *bed) {
	t.Helper()
	b.must(t, named("acme"))
	run(t, postgrestest.Connect(t, b.URL(postgrestest.Admin)), "ALTER SCHEMA tenant_acme OWNER TO tenant_acme", "ALTER DEFAULT PRIVILEGES FOR ROLE owner_acme IN SCHEMA tenant_acme REVOKE ALL ON TABLES FROM tenant_acme",
		"ALTER DEFAULT PRIVILEGES FOR ROLE owner_acme IN SCHEMA tenant_acme REVOKE ALL ON SEQUENCES FROM tenant_acme",
		"REVOKE owner_acme FROM app", "DROP OWNED BY owner_acme", "DROP ROLE owner_acme", "GRANT tenant_acme TO app")
	acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
	run(t, acme, "CREATE TABLE notes (id serial PRIMARY KEY, body text)", "CREATE VIEW short AS SELECT left(body, 10) AS body FROM notes",
		"CREATE FUNCTION planted() RETURNS int LANGUAGE sql AS 'SELECT 1'", "SELECT lo_create(4711)")
	require.NoError(t, acme.Close(context.Background()))
}

func TestSchemaOfALoginIsMovedToAnOwnerWhileTheAppRuns(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		tenantWithoutOwner(t, b)
		acme := named("acme")
		conn, err := pgx.Connect(context.Background(), b.url(t, acme[0]))
		require.NoError(t, err)
		done, stopped := make(chan struct{}), make(chan error, 1)
		go func() {
			defer conn.Close(context.Background())
			for {
				select {
				case <-done:
					stopped <- nil
					return
				default:
				}
				if _, err := conn.Exec(context.Background(), "INSERT INTO notes (body) SELECT body FROM short RETURNING id"); err != nil {
					stopped <- err
					return
				}
			}
		}()
		out, err := b.reconcile(t, acme)
		close(done)
		require.NoError(t, err, out)
		require.NoError(t, <-stopped, "no statement of the app failed")
		assert.Contains(t, out, "read them before you migrate its schema: tenant_acme.planted()")
		assert.Empty(t, b.must(t, acme), "the second run changes nothing")

		b.migrate(t, "acme", "ALTER TABLE notes ADD at timestamptz DEFAULT now()", "CREATE TABLE later (id int)")
		after := postgrestest.Connect(t, b.url(t, acme[0]))
		run(t, after, "INSERT INTO notes (body) VALUES ('x')", "INSERT INTO later VALUES (1)", "SELECT planted()", "SELECT lo_get(4711)")
		_, err = after.Exec(context.Background(), "CREATE TABLE mine (id int)")
		require.ErrorContains(t, err, "permission denied")
		_, err = postgrestest.Connect(t, b.URL(postgrestest.App)).Exec(context.Background(), "SET ROLE tenant_acme")
		require.ErrorContains(t, err, "permission denied to set role")
	})
}
