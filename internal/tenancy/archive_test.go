package tenancy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// tenantWithManyObjects declares acme with more than sample data: a view, a function, a
// sequence, an index, a type, and rows whose values need quoting or escaping.
func tenantWithManyObjects(t *testing.T, b *bed) settings.Tenant {
	t.Helper()
	tenant := tenants(settings.Tenant{Name: "acme", SampleData: true})
	b.must(t, tenant)
	b.migrate(t, "acme",
		"CREATE TYPE mood AS ENUM ('good', 'bad')",
		"CREATE TABLE notes (id bigserial PRIMARY KEY, body text, raw bytea, feeling mood, amount numeric, at timestamptz DEFAULT now())",
		`INSERT INTO notes (body, raw, feeling, amount) VALUES (E'tab\t"quote" ''it'' \\ ü', '\x00ff', 'good', 1e-20), (NULL, '', NULL, 'NaN')`,
		"CREATE SEQUENCE unused", "CREATE INDEX ON notes (body)", "CREATE VIEW happy AS SELECT * FROM notes WHERE feeling = 'good'",
		"CREATE FUNCTION double(x int) RETURNS int LANGUAGE sql AS 'SELECT 2 * x'")
	return tenant[0]
}

// purge archives acme, then purges it.
func purge(t *testing.T, b *bed) {
	t.Helper()
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
}

const contents = `SELECT string_agg(n::text, E'\n' ORDER BY id) FROM notes n`

func TestArchiveRestoresTheSameRowsAfterAPurgeThatLeftNothing(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		tenant := tenantWithManyObjects(t, b)
		before := ask[string](t, postgrestest.Connect(t, b.url(t, tenant)), contents)
		super := b.Superuser(t, postgrestest.Database)
		run(t, super, "SELECT lo_create(4711)", "ALTER LARGE OBJECT 4711 OWNER TO tenant_acme")
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
		require.Error(t, err)
		assert.Contains(t, out, "owns large objects")
		run(t, super, "SELECT lo_unlink(4711)")
		purge(t, b)

		assert.Zero(t, ask[int](t, super, `SELECT count(*) FROM pg_roles WHERE rolname ~ 'acme'`))
		assert.Zero(t, ask[int](t, super, `SELECT count(*) FROM pg_namespace WHERE nspname ~ 'acme'`))
		assert.Zero(t, ask[int](t, super, `SELECT count(*) FROM pg_class WHERE relname IN ('notes', 'customers', 'orders')`))
		assert.Zero(t, ask[int](t, super, `SELECT count(*) FROM pg_largeobject_metadata`))
		assert.Zero(t, ask[int](t, super, `SELECT count(*) FROM pg_shdepend d WHERE refclassid = 'pg_authid'::regclass
			AND NOT EXISTS (SELECT FROM pg_authid WHERE oid = refobjid)`))
		purged := tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"})
		assert.Empty(t, b.must(t, purged), "a second run changes nothing")
		out, err = b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
		require.Error(t, err)
		assert.Contains(t, out, "was purged; to have it back")

		back := tenants(settings.Tenant{Name: "acme", Restore: true})
		assert.Contains(t, b.must(t, back), "CREATE SCHEMA tenant_acme AUTHORIZATION owner_acme")
		assert.Empty(t, b.must(t, back), "a second run changes nothing")
		conn := postgrestest.Connect(t, b.url(t, back[0]))
		assert.Equal(t, before, ask[string](t, conn, contents))
		assert.Equal(t, 200, ask[int](t, conn, "SELECT count(*) FROM orders"))
		assert.Equal(t, 1, ask[int](t, conn, "SELECT count(*) FROM happy"))
		run(t, conn, "INSERT INTO notes (body) VALUES ('the sequence goes on')")
		assert.Equal(t, "owner_acme", ask[string](t, conn, "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = current_schema()"))
	})
}

func TestDamagedDumpIsNotRestored(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		tenantWithManyObjects(t, b)
		purge(t, b)
		dumps, err := filepath.Glob(filepath.Join(b.dir, "archive", "acme", "*.dump"))
		require.NoError(t, err)
		require.Len(t, dumps, 1)
		data, err := os.ReadFile(dumps[0])
		require.NoError(t, err)
		data[len(data)/2]++
		require.NoError(t, os.WriteFile(dumps[0], data, 0o600))
		back := tenants(settings.Tenant{Name: "acme", Restore: true})
		out, err := b.reconcile(t, back)
		require.Error(t, err)
		assert.Contains(t, out, "is not the file that was archived")
		_, err = pgx.Connect(t.Context(), b.url(t, back[0]))
		require.ErrorContains(t, err, "not permitted to log in", "a tenant whose restore failed cannot log in")

		data[len(data)/2]--
		require.NoError(t, os.WriteFile(dumps[0], data, 0o600))
		b.must(t, back)
		assert.Equal(t, 2, ask[int](t, postgrestest.Connect(t, b.url(t, back[0])), "SELECT count(*) FROM notes"))
	})
}

func TestPurgeDropsNothingWithoutADump(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	tenantWithManyObjects(t, b)
	full := filepath.Join(b.dir, "full")
	require.NoError(t, os.WriteFile(full, nil, 0o600))
	out, err := b.reconcileInto(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}), filepath.Join(full, "archive"))
	require.Error(t, err)
	assert.Contains(t, out, "1 of 1 tenants failed")
	out, err = b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	require.Error(t, err)
	assert.Contains(t, out, "has no archive")
	assert.True(t, ask[bool](t, b.Superuser(t, postgrestest.Database), "SELECT to_regclass('tenant_acme.notes') IS NOT NULL"))
}

// The drill restores the dump into a database with another name. A column that is computed
// from that name gets another value there, and perhaps in each later restore.
func TestDumpThatDoesNotRestoreToTheSameRowsIsNoArchive(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	b.must(t, named("acme"))
	b.migrate(t, "acme", "CREATE FUNCTION place() RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT current_database()::text'",
		"CREATE TABLE notes (id int, place text GENERATED ALWAYS AS (tenant_acme.place()) STORED)", "INSERT INTO notes VALUES (1)")
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	require.Error(t, err)
	assert.Contains(t, out, "the rows of the dump differ")
	dumps, err := filepath.Glob(filepath.Join(b.dir, "archive", "acme", "*.dump"))
	require.NoError(t, err)
	assert.Empty(t, dumps)
	assert.Equal(t, "active", ask[string](t, b.Superuser(t, postgrestest.Database), "SELECT state FROM platform.tenants"))
}

// PostgreSQL orders default privileges by the IDs of the roles, and pg_dump orders a policy's
// roles by the rows of pg_authid. Both change while a tenant is archived and restored.
func TestArchiveIsRestoredWhateverTheOrderOfItsRoles(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme"))
		run(t, postgrestest.Connect(t, b.URL(postgrestest.Admin)), "CREATE ROLE reporting NOLOGIN", "CREATE ROLE \"an auditor\" NOLOGIN")
		b.migrate(t, "acme", "CREATE TABLE notes (id int, \"a TO b\" int)", "INSERT INTO notes VALUES (1)",
			"ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_acme GRANT SELECT ON TABLES TO reporting",
			"CREATE POLICY \"all TO see\" ON notes FOR SELECT TO reporting, tenant_acme, \"an auditor\" USING (id = ANY (ARRAY[1, 2, 3]))")
		purge(t, b)
		back := tenants(settings.Tenant{Name: "acme", Restore: true})
		b.must(t, back)
		assert.Equal(t, 1, ask[int](t, postgrestest.Connect(t, b.url(t, back[0])), "SELECT count(*) FROM notes"))
	})
}

// The customer would get the rows of the archive in place of an empty schema.
func TestFreshIsRefusedAfterARestoreThatFailed(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	tenantWithManyObjects(t, b)
	purge(t, b)
	definitions, err := filepath.Glob(filepath.Join(b.dir, "archive", "acme", "*.definitions"))
	require.NoError(t, err)
	require.Len(t, definitions, 1)
	require.NoError(t, os.WriteFile(definitions[0], []byte("-- other definitions\nCREATE TABLE x;\n"), 0o600))
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", Restore: true}))
	require.Error(t, err)
	assert.Contains(t, out, "the definitions differ")
	fresh := tenants(settings.Tenant{Name: "acme", Fresh: true, SampleData: true})
	out, err = b.reconcile(t, fresh)
	assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out))
	assert.Contains(t, out, "tenant acme: its schema has what a restore that failed left in it; declare restore: true, or drop the schema first: DROP SCHEMA tenant_acme CASCADE")
	run(t, postgrestest.Connect(t, b.URL(postgrestest.Admin)), "DROP SCHEMA tenant_acme CASCADE")
	b.must(t, fresh)
	assert.False(t, ask[bool](t, b.Superuser(t, postgrestest.Database), "SELECT to_regclass('tenant_acme.notes') IS NOT NULL"))
	assert.Empty(t, b.must(t, fresh))
}
