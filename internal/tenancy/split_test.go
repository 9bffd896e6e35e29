package tenancy_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

var shared = []string{
	"CREATE TABLE customers (id bigserial PRIMARY KEY, tenant_id int NOT NULL, name text, size numeric)",
	`CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id int NOT NULL,
		customer_id bigint REFERENCES customers ON DELETE CASCADE, cents int, euros numeric GENERATED ALWAYS AS (cents / 100.0) STORED)`,
	"INSERT INTO customers (tenant_id, name, size) SELECT 1 + n % 2, E'it''s \\\\ ' || n, n / 7.0 FROM generate_series(1, 501) n",
	"INSERT INTO orders (tenant_id, customer_id, cents) SELECT tenant_id, id, id * 3 FROM customers",
}

var split = tenancy.Split{
	Tables: []string{"customers", "orders"}, Column: "tenant_id",
	Tenants: []tenancy.SplitTenant{{Key: "1", Name: "acme"}, {Key: "2", Name: "beta"}},
}

// psql runs a script as the application's role.
func (b *bed) psql(t testing.TB, script string) (string, error) {
	t.Helper()
	command := b.client(t, postgrestest.App)
	var out bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(script), &out, &out
	err := command.Run()
	return out.String(), err
}

func sharedBed(t *testing.T, major int) (*bed, *pgx.Conn) {
	t.Helper()
	b := newBed(t, major)
	b.must(t, named("acme", "beta"))
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, shared...)
	return b, app
}

func TestSharedTablesAreSplitIntoSchemas(t *testing.T) {
	eachMajor(t, func(t *testing.T, major int) {
		b, app := sharedBed(t, major)
		sql, err := split.SQL()
		require.NoError(t, err)
		out, err := b.psql(t, sql)
		require.NoError(t, err, out)
		assert.Contains(t, out, "tenant_acme.customers: 250 rows")
		again, err := b.psql(t, sql)
		require.NoError(t, err, again)
		assert.NotContains(t, again, "rows, checksum", "a second run copies nothing")

		acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
		assert.Equal(t, 250, ask[int](t, acme, "SELECT count(*) FROM orders JOIN customers c ON c.id = customer_id WHERE orders.tenant_id = 1"))
		run(t, acme, "INSERT INTO customers (tenant_id, name) VALUES (1, 'next')",
			"INSERT INTO orders (tenant_id, customer_id, cents) SELECT 1, id, 5 FROM customers WHERE name = 'next'",
			"DELETE FROM customers WHERE name = 'next'")
		assert.Equal(t, 250, ask[int](t, acme, "SELECT count(*) FROM orders"), "the foreign key was copied with its ON DELETE CASCADE")
		assert.Equal(t, 501, ask[int](t, app, "SELECT count(*) FROM public.customers"), "the shared tables are as they were")
		_, err = app.Exec(t.Context(), "SELECT * FROM tenant_acme.orders")
		if major != 0 { // before 16, the app's role inherits the rights of the owners
			require.ErrorContains(t, err, "permission denied", "the rights that the copy needed were revoked")
		}
	})
}

func TestKilledSplitIsContinuedByTheNextRun(t *testing.T) {
	t.Parallel()
	b, _ := sharedBed(t, 0)
	sql, err := split.SQL()
	require.NoError(t, err)
	super := b.Superuser(t, postgrestest.Database)
	const rows = `SELECT (SELECT count(*) FROM tenant_acme.orders) + (SELECT count(*) FROM tenant_beta.orders)`
	for at := 1; ; at++ {
		run(t, super, "DROP TABLE IF EXISTS public.tenant_split, tenant_acme.customers, tenant_acme.orders, tenant_beta.customers, tenant_beta.orders CASCADE")
		p := newProxy(t, fmt.Sprintf("localhost:%d", b.Port), at)
		b.port = p.port()
		_, killed := b.psql(t, sql)
		b.port = 0
		require.NoError(t, p.listener.Close())
		out, err := b.psql(t, sql)
		require.NoError(t, err, "killed at statement %d: %s", at, out)
		require.Equal(t, 501, ask[int](t, super, rows), "killed at statement %d", at)
		if killed == nil {
			require.Greater(t, at, 25)
			return
		}
	}
}

func TestSplitIsRefusedWhenItWouldLoseRowsOrTables(t *testing.T) {
	t.Parallel()
	b, app := sharedBed(t, 0)
	run(t, app, "INSERT INTO customers (tenant_id) VALUES (3)")
	for want, faulty := range map[string]tenancy.Split{
		"public.customers has 1 rows that belong to no tenant":              split,
		"public.orders refers to public.customers, which is not among them": {Tables: []string{"orders"}, Column: "tenant_id", Tenants: split.Tenants},
		"there is no table public.nothing":                                  {Tables: []string{"nothing"}, Column: "tenant_id", Tenants: split.Tenants},
		"public.customers has no column owner":                              {Tables: split.Tables, Column: "owner", Tenants: split.Tenants},
		"there is no schema tenant_gamma":                                   {Tables: split.Tables, Column: "tenant_id", Tenants: []tenancy.SplitTenant{{Key: "1", Name: "gamma"}}},
	} {
		sql, err := faulty.SQL()
		require.NoError(t, err)
		out, err := b.psql(t, sql)
		require.Error(t, err)
		assert.Contains(t, out, strings.TrimSuffix(want, "them"))
		assert.Contains(t, out, "nothing was changed")
	}
	run(t, app, "DELETE FROM customers WHERE tenant_id = 3")
	sql, err := split.SQL()
	require.NoError(t, err)
	out, err := b.psql(t, sql)
	require.NoError(t, err, out)
	run(t, app, "UPDATE orders SET cents = 0 WHERE id = 1")
	out, err = b.psql(t, sql)
	require.Error(t, err)
	assert.Contains(t, out, "changed since it was copied: public.orders of tenant_beta")
}

func TestSplitReportsAllFaultsOfItsInputTogether(t *testing.T) {
	t.Parallel()
	_, err := tenancy.Split{Tables: []string{"a", "a"}, Tenants: []tenancy.SplitTenant{{Key: "1", Name: "www"}, {Key: "1", Name: "b"}}}.SQL()
	for _, want := range []string{`"a" is given twice`, "column: is missing", `"www" is reserved`, `"1"=b is given twice`} {
		require.ErrorContains(t, err, want)
	}
}
