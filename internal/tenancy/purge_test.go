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

// archivedTenant archives acme, and returns the path of its dump.
func archivedTenant(t *testing.T, b *bed) (dump string) {
	t.Helper()
	tenantWithManyObjects(t, b)
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	dumps, err := filepath.Glob(filepath.Join(b.dir, "archive", "acme", "*.dump"))
	require.NoError(t, err)
	require.Len(t, dumps, 1)
	return dumps[0]
}

// A purge is the only step that cannot be undone. So the dump has to be complete, and equal
// to the schema at this time.
func TestPurgeIsRefusedWhenTheDumpDiffersFromTheSchema(t *testing.T) {
	t.Parallel()
	purged := tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"})
	for what, test := range map[string]struct {
		spoil func(t *testing.T, b *bed, dump string)
		want  string
	}{
		"a dump that is gone": {func(t *testing.T, _ *bed, dump string) {
			require.NoError(t, os.Remove(dump))
		}, "is not the file that was archived"},
		"a dump that is damaged": {func(t *testing.T, _ *bed, dump string) {
			require.NoError(t, os.WriteFile(dump, []byte("no dump"), 0o600))
		}, "is not the file that was archived"},
		"rows that were written later": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "INSERT INTO tenant_acme.customers VALUES (99, 'later', 'later@example.com')")
		}, "table customers: 20 rows in the archive, 21 rows in the schema"},
		"a row that was changed later": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "UPDATE tenant_acme.customers SET name = 'x' WHERE id = 1")
		}, "table customers: 20 rows in the archive, 20 rows in the schema"},
		"a number that was taken later": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "SELECT nextval('tenant_acme.notes_id_seq')")
		}, "sequence notes_id_seq"},
		"the first number of a sequence": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "SELECT nextval('tenant_acme.unused')")
		}, "sequence unused"},
		"a function that was made later": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "SET ROLE owner_acme", "CREATE FUNCTION tenant_acme.later() RETURNS int LANGUAGE sql AS 'SELECT 1'")
		}, "the definitions differ"},
		"a view of the app over all tenants": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "CREATE VIEW public.all_orders AS SELECT 'acme' AS tenant, * FROM tenant_acme.orders")
		}, "view public.all_orders"},
		"a table of the app that refers to it": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "CREATE TABLE public.favourites (customer int REFERENCES tenant_acme.customers)")
		}, "constraint favourites_customer_fkey on table public.favourites"},
		"a table that its owner has elsewhere": {func(t *testing.T, b *bed, _ string) {
			run(t, b.Superuser(t, postgrestest.Database), "CREATE TABLE public.elsewhere (id int)", "ALTER TABLE public.elsewhere OWNER TO owner_acme")
		}, "table public.elsewhere"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 18)
			test.spoil(t, b, archivedTenant(t, b))
			out, err := b.reconcile(t, purged)
			require.Error(t, err)
			assert.Contains(t, out, test.want)
			super := b.Superuser(t, postgrestest.Database)
			assert.GreaterOrEqual(t, ask[int](t, super, "SELECT count(*) FROM tenant_acme.customers"), 20, "nothing was dropped")
			assert.Equal(t, "archived", ask[string](t, super, "SELECT state FROM platform.tenants"))
		})
	}
}

func TestArchivedTenantCannotBeWritten(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	archivedTenant(t, b)
	_, err := postgrestest.Connect(t, b.URL(postgrestest.App)).Exec(t.Context(), "SET ROLE owner_acme")
	require.ErrorContains(t, err, "permission denied to set role", "a migration would write rows that the dump does not contain")
}

func TestGrantsCastsCommentsAndDefaultPrivilegesSurviveArchiveAndRestore(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		tenantWithManyObjects(t, b)
		b.migrate(t, "acme",
			"CREATE FUNCTION mood_number(mood) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE $1 WHEN 'good' THEN 1 ELSE 0 END $$",
			"CREATE CAST (mood AS int) WITH FUNCTION mood_number(mood) AS ASSIGNMENT", "COMMENT ON CAST (mood AS int) IS 'a number for a mood'",
			"COMMENT ON TABLE notes IS 'what people wrote'", "COMMENT ON SCHEMA tenant_acme IS 'acme'", "GRANT SELECT ON notes TO app WITH GRANT OPTION",
			"CREATE TABLE audit (at timestamptz)", "REVOKE UPDATE, DELETE ON audit FROM tenant_acme",
			"ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_acme GRANT SELECT ON TABLES TO app", "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
		const described = `SELECT concat_ws(' | ', obj_description('tenant_acme.notes'::regclass), obj_description('tenant_acme'::regnamespace),
			(SELECT obj_description(oid, 'pg_cast') FROM pg_cast WHERE castsource = 'tenant_acme.mood'::regtype),
			has_table_privilege('app', 'tenant_acme.notes', 'SELECT WITH GRANT OPTION'), has_table_privilege('tenant_acme', 'tenant_acme.audit', 'INSERT'),
			has_table_privilege('tenant_acme', 'tenant_acme.audit', 'DELETE'),
			(SELECT string_agg(defaclacl::text, ' ' ORDER BY defaclobjtype, defaclnamespace) FROM pg_default_acl WHERE defaclrole = 'owner_acme'::regrole))`
		super := b.Superuser(t, postgrestest.Database)
		before := ask[string](t, super, described)
		purge(t, b)
		back := tenants(settings.Tenant{Name: "acme", Restore: true})
		b.must(t, back)
		assert.Equal(t, before, ask[string](t, super, described))
		assert.Empty(t, b.must(t, back))
	})
}
