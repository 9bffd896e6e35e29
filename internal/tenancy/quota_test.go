package tenancy_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// fill adds mib rows of 1 MiB each to the table hoard of acme.
func fill(t testing.TB, b *bed, mib int) {
	t.Helper()
	b.migrate(t, "acme", "CREATE TABLE IF NOT EXISTS hoard (body text)", "ALTER TABLE hoard ALTER body SET STORAGE EXTERNAL",
		fmt.Sprintf("INSERT INTO hoard SELECT repeat('x', 1024 * 1014) FROM generate_series(1, %d)", mib))
}

// shrink empties the table hoard, and frees its space.
func shrink(t testing.TB, b *bed) {
	t.Helper()
	b.migrate(t, "acme", "TRUNCATE hoard")
}

// rights returns all rights on acme's tables and their columns.
const rights = `SELECT string_agg(concat_ws(' ', of, acl), E'\n' ORDER BY of) FROM (
	SELECT relname::text AS of, (SELECT string_agg(concat_ws(',', pg_get_userbyid(grantee), privilege_type, is_grantable), ' ' ORDER BY pg_get_userbyid(grantee), privilege_type) FROM aclexplode(relacl)) AS acl FROM pg_class WHERE relnamespace = 'tenant_acme'::regnamespace AND relkind IN ('r', 'p', 'v')
	UNION ALL SELECT attrelid::regclass || '.' || attname, (SELECT string_agg(concat_ws(',', pg_get_userbyid(grantee), privilege_type, is_grantable), ' ' ORDER BY pg_get_userbyid(grantee), privilege_type) FROM aclexplode(attacl))
		FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'tenant_acme'::regnamespace AND attacl IS NOT NULL) AS all_rights`

// denies checks that a statement fails for lack of a right.
func denies(t testing.TB, conn *pgx.Conn, statement string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement)
	require.ErrorContains(t, err, "permission denied", statement)
}

// tenantWithMixedRights declares acme, and a migration grants and revokes rights: a table
// that the login may not write, columns that it may, and a right with GRANT OPTION.
func tenantWithMixedRights(t testing.TB, b *bed) []settings.Tenant {
	t.Helper()
	declared := tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta", SampleData: true})
	b.must(t, declared)
	b.migrate(t, "acme",
		"CREATE TABLE migrations (id int)", "REVOKE INSERT, UPDATE, DELETE ON migrations FROM tenant_acme",
		"CREATE TABLE profile (id int, name text, paid boolean)", "REVOKE INSERT, UPDATE ON profile FROM tenant_acme",
		"GRANT INSERT (id, name), UPDATE (name) ON profile TO tenant_acme",
		"CREATE TABLE feed (id int)", "GRANT INSERT ON feed TO tenant_acme WITH GRANT OPTION",
		`CREATE TABLE "odd Name" (id int)`, "CREATE VIEW cheap AS SELECT * FROM orders WHERE total_cents < 600",
		"CREATE TABLE parts (id int) PARTITION BY RANGE (id)", "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9)")
	return declared
}

func TestTenantAboveItsStorageLosesItsWriteRightsAndGetsTheSameOnesBack(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenantWithMixedRights(t, b)
		super := b.Superuser(t, postgrestest.Database)
		before := ask[string](t, super, rights)
		fill(t, b, 55)
		out, err := b.reconcile(t, declared)
		require.NoError(t, err, out)
		assert.Regexp(t, `WARNING:  tenant acme: 5\d of 64 MiB; above 64 MiB its writes are suspended`, out)
		assert.NotContains(t, out, "tenant beta")

		fill(t, b, 15)
		out, err = b.reconcile(t, declared)
		require.NoError(t, err, out)
		assert.Regexp(t, `WARNING:  tenant acme: 7\d of 64 MiB; its writes are suspended until it is below 57 MiB or has a larger plan`, out)
		acme, beta := postgrestest.Connect(t, b.url(t, declared[0])), postgrestest.Connect(t, b.url(t, declared[1]))
		for _, write := range []string{
			"INSERT INTO hoard VALUES ('x')", "UPDATE customers SET name = 'x'", "INSERT INTO profile (id, name) VALUES (1, 'x')", "UPDATE profile SET name = 'x'",
			"INSERT INTO feed VALUES (1)", `INSERT INTO "odd Name" VALUES (1)`, "UPDATE cheap SET total_cents = 1", "INSERT INTO parts VALUES (1)",
			"INSERT INTO parts_1 VALUES (1)", "COPY hoard FROM STDIN", "MERGE INTO feed USING (SELECT 1 AS id) n ON feed.id = n.id WHEN NOT MATCHED THEN INSERT VALUES (1)",
			"SELECT * FROM orders FOR UPDATE",
		} {
			denies(t, acme, write)
		}
		assert.Equal(t, 200, ask[int](t, acme, "SELECT count(*) FROM orders"), "it can still read")
		run(t, acme, "DELETE FROM orders WHERE id = 200", "SELECT count(*) FROM cheap")
		run(t, beta, "INSERT INTO customers VALUES (99, 'x', 'x')", "UPDATE customers SET name = 'y'")
		assert.Empty(t, b.must(t, declared), "a second run changes nothing")
		assert.True(t, ask[bool](t, super, "SELECT full_since < now() FROM platform.tenants WHERE name = 'acme'"))

		shrink(t, b)
		run(t, super, "DROP TABLE tenant_acme.hoard")
		assert.Len(t, b.must(t, declared), 1)
		assert.Equal(t, before, ask[string](t, super, rights), "it has exactly the rights of before")
		assert.True(t, ask[bool](t, super, "SELECT full_since IS NULL FROM platform.tenants WHERE name = 'acme'"))
		run(t, acme, "INSERT INTO profile (id, name) VALUES (1, 'x')", "UPDATE customers SET name = 'x'")
		assert.Empty(t, b.must(t, declared))
	})
}

func TestWithheldRightsFollowTheTierAndMigrations(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenantWithMixedRights(t, b)
	super := b.Superuser(t, postgrestest.Database)
	fill(t, b, 70)
	run(t, super, "ALTER TABLE platform.tenants DROP full_since, DROP former") // as an earlier version created the table
	b.must(t, declared)
	acme := postgrestest.Connect(t, b.url(t, declared[0]))
	b.migrate(t, "acme", "CREATE TABLE later (id int)", "CREATE TABLE closed (id int)", "REVOKE ALL ON closed FROM tenant_acme",
		"GRANT UPDATE (paid) ON profile TO tenant_acme", "ALTER TABLE feed RENAME TO stream",
		"CREATE TABLE item (order_id int REFERENCES orders ON DELETE CASCADE)", "CREATE TABLE note (order_id int REFERENCES orders ON DELETE SET NULL)",
		"INSERT INTO item VALUES (7)", "INSERT INTO note VALUES (7)")
	assert.Equal(t, []string{"tenant acme: 7 rights to write withheld from tenant_acme"}, b.must(t, declared), "the rights that migrations granted since the last run")
	for _, write := range []string{"INSERT INTO later VALUES (1)", "UPDATE profile SET paid = true", "INSERT INTO stream VALUES (1)"} {
		denies(t, acme, write)
	}
	b.migrate(t, "acme", "CREATE FUNCTION append() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = tenant_acme AS 'INSERT INTO later VALUES (1)'")
	run(t, acme, "SELECT append()", "DELETE FROM orders WHERE id = 7")
	assert.Equal(t, 0, ask[int](t, acme, "SELECT count(*) FROM item"), "foreign keys act as the owner")
	assert.True(t, ask[bool](t, acme, "SELECT order_id IS NULL FROM note"))

	run(t, super, "DELETE FROM tenant_acme.hoard WHERE ctid IN (SELECT ctid FROM tenant_acme.hoard LIMIT 10)", "VACUUM FULL tenant_acme.hoard")
	out, err := b.reconcile(t, declared)
	require.NoError(t, err, out)
	assert.Regexp(t, `6\d of 64 MiB; its writes are suspended until it is below 57 MiB`, out, "between 90 and 100 percent it stays as it was")

	larger := tenants(settings.Tenant{Name: "acme", Plan: "growth"}, settings.Tenant{Name: "beta"})
	b.must(t, larger)
	run(t, acme, "INSERT INTO later VALUES (1)", "UPDATE profile SET paid = true", "INSERT INTO stream VALUES (1)", "INSERT INTO hoard VALUES ('x')")
	for _, write := range []string{"INSERT INTO closed VALUES (1)", "UPDATE profile SET id = 1", "UPDATE migrations SET id = 1"} {
		denies(t, acme, write)
	}
	assert.True(t, ask[bool](t, acme, "SELECT has_table_privilege(current_user, 'stream', 'INSERT WITH GRANT OPTION')"))
	assert.Empty(t, b.must(t, larger))
}

func TestFullTenantIsRenamedArchivedPurgedAndRestored(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenantWithMixedRights(t, b)
	super := b.Superuser(t, postgrestest.Database)
	before := ask[string](t, super, rights)
	fill(t, b, 70)
	b.must(t, declared)
	beta := settings.Tenant{Name: "beta", SampleData: true}
	b.must(t, tenants(settings.Tenant{Name: "other", RenamedFrom: "acme"}, beta))
	assert.True(t, ask[bool](t, super, "SELECT full_since IS NOT NULL FROM platform.tenants WHERE name = 'other'"))
	denies(t, postgrestest.Connect(t, b.url(t, named("other")[0])), "INSERT INTO feed VALUES (1)")
	b.must(t, tenants(settings.Tenant{Name: "acme", RenamedFrom: "other"}, beta))

	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, beta))
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}, beta))
	assert.True(t, ask[bool](t, super, "SELECT full_since IS NULL FROM platform.tenants WHERE name = 'acme'"))
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_shdepend WHERE refobjid = to_regrole('platform_withheld') AND dbid <> 0"))
	back := settings.Tenant{Name: "acme", Restore: true}
	out, err := b.reconcile(t, tenants(back, beta))
	require.NoError(t, err, out)
	assert.Contains(t, out, "restored from")
	assert.Regexp(t, `tenant acme: 7\d of 64 MiB; its writes are suspended`, out)
	denies(t, postgrestest.Connect(t, b.url(t, tenants(back)[0])), "INSERT INTO feed VALUES (1)")
	run(t, super, "DROP TABLE tenant_acme.hoard")
	b.must(t, tenants(back, beta))
	assert.Equal(t, before, ask[string](t, super, rights))
	assert.Empty(t, b.must(t, tenants(back, beta)))
}

func TestTenantThatOwnsItsSchemaGetsOnlyAWarningAboveItsStorage(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	owner := tenants(settings.Tenant{Name: "acme", OwnsSchema: true})
	b.must(t, named("acme"))
	fill(t, b, 70)
	b.must(t, named("acme"))
	assert.Contains(t, b.must(t, owner), "tenant acme: 2 rights to write given back to tenant_acme")
	out, err := b.reconcile(t, owner)
	require.NoError(t, err, out)
	assert.Regexp(t, `WARNING:  tenant acme: 7\d of 64 MiB; its writes cannot be suspended, because it acts as the owner of its schema`, out)
	acme := postgrestest.Connect(t, b.url(t, owner[0]))
	run(t, acme, "INSERT INTO hoard VALUES ('x')", "DELETE FROM hoard", "VACUUM FULL hoard")
	assert.Empty(t, b.must(t, owner))
	assert.True(t, ask[bool](t, b.Superuser(t, postgrestest.Database), "SELECT full_since IS NULL FROM platform.tenants"))
}

// Deleted rows free space inside of the files, but the files stay as large. They shrink when
// the table is rewritten. Only the table's owner may do that, so a migration has to do it.
func TestMigrationThatRewritesATableFreesItsSpace(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme")
		b.must(t, declared)
		fill(t, b, 70)
		b.must(t, declared)
		run(t, postgrestest.Connect(t, b.url(t, declared[0])), "DELETE FROM hoard")
		assert.Empty(t, b.must(t, declared), "the files have the same size as before")
		app := postgrestest.Connect(t, b.URL(postgrestest.App))
		run(t, app, "SET ROLE owner_acme", "VACUUM FULL tenant_acme.hoard", "RESET ROLE")
		assert.Equal(t, []string{"tenant acme: 2 rights to write given back to tenant_acme"}, b.must(t, declared))
	})
}

// One statement moves all rights of a tenant. So after a kill the tenant has all of them, or
// none.
func TestReconcileKilledWhileItMovesRightsIsCompletedByTheNextRun(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	starter := tenantWithMixedRights(t, b)
	super := b.Superuser(t, postgrestest.Database)
	fill(t, b, 70)
	growth := tenants(settings.Tenant{Name: "acme", Plan: "growth", SampleData: true}, settings.Tenant{Name: "beta", SampleData: true})
	b.must(t, growth)
	all := ask[string](t, super, rights)
	b.must(t, starter)
	withheld := ask[string](t, super, rights)
	require.NotEqual(t, all, withheld)
	last := b.killed(t, growth, 0)
	for at := last - 45; at <= last; at += 6 {
		b.must(t, starter)
		for declared, want := range map[*[]settings.Tenant]string{&growth: all, &starter: withheld} {
			b.killed(t, *declared, at)
			assert.Contains(t, []string{all, withheld}, ask[string](t, super, rights), "killed at statement %d", at)
			b.must(t, *declared)
			assert.Equal(t, want, ask[string](t, super, rights), "killed at statement %d", at)
		}
	}
}

// killed runs a declaration, and cuts the connection at the statement numbered at (0: never).
// It returns the number of statements.
func (b *bed) killed(t *testing.T, declared []settings.Tenant, at int) int {
	t.Helper()
	p := newProxy(t, fmt.Sprintf("localhost:%d", b.Port), at)
	defer p.listener.Close()
	b.port = p.port()
	_, err := b.reconcile(t, declared)
	b.port = 0
	if at == 0 {
		require.NoError(t, err)
	}
	return p.statements()
}
