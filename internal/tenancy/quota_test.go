package tenancy_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/postgrestest"
	"github.com/genericcorp/platform/internal/settings"
)

// fill makes the table hoard of acme that takes some MiB, one each row.
func fill(t testing.TB, b *bed, mib int) {
	t.Helper()
	b.migrate(t, "acme", "CREATE TABLE IF NOT EXISTS hoard (body text)", "ALTER TABLE hoard ALTER body SET STORAGE EXTERNAL",
		fmt.Sprintf("INSERT INTO hoard SELECT repeat('x', 1024 * 1014) FROM generate_series(1, %d)", mib))
}

// shrink takes all of it away again, and gives the space back.
func shrink(t testing.TB, b *bed) {
	t.Helper()
	b.migrate(t, "acme", "TRUNCATE hoard")
}

// rights are who may do what with acme's tables, and with columns of them.
const rights = `SELECT string_agg(concat_ws(' ', of, acl), E'\n' ORDER BY of) FROM (
	SELECT relname::text AS of, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM aclexplode(relacl) a) AS acl FROM pg_class WHERE relnamespace = 'tenant_acme'::regnamespace AND relkind IN ('r', 'p', 'v')
	UNION ALL SELECT attrelid::regclass || '.' || attname, (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM aclexplode(attacl) a)
		FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'tenant_acme'::regnamespace AND attacl IS NOT NULL) AS all_rights`

func denies(t testing.TB, conn *pgx.Conn, statement string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), statement)
	require.ErrorContains(t, err, "permission denied", statement)
}

// mixed is acme with rights that a migration gave and took away: a table that the login
// may not write, a column that it may, a right to pass on, and one for everybody.
func mixed(t testing.TB, b *bed) []settings.Tenant {
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

func TestATenantAboveItsStorageLosesItsWritesAndGetsThemBackAsTheyWere(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := mixed(t, b)
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
		assert.Equal(t, 200, ask[int](t, acme, "SELECT count(*) FROM orders"), "it may read")
		run(t, acme, "DELETE FROM orders WHERE id = 200", "SELECT count(*) FROM cheap")
		run(t, beta, "INSERT INTO customers VALUES (99, 'x', 'x')", "UPDATE customers SET name = 'y'")
		assert.Empty(t, b.must(t, declared), "a second run changes nothing")
		assert.True(t, ask[bool](t, super, "SELECT full_since < now() FROM platform.tenants WHERE name = 'acme'"))

		shrink(t, b)
		run(t, super, "DROP TABLE tenant_acme.hoard")
		assert.Len(t, b.must(t, declared), 1)
		assert.Equal(t, before, ask[string](t, super, rights), "what was taken is back, and nothing else")
		assert.True(t, ask[bool](t, super, "SELECT full_since IS NULL FROM platform.tenants WHERE name = 'acme'"))
		run(t, acme, "INSERT INTO profile (id, name) VALUES (1, 'x')", "UPDATE customers SET name = 'x'")
		assert.Empty(t, b.must(t, declared))
	})
}
