package tenancy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// Without these checks, a split would lose rows or objects and report nothing, or stop halfway.
func TestSplitReportsEverythingItWouldLoseBeforeItCopies(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme", "beta"))
		app, super := postgrestest.Connect(t, b.URL(postgrestest.App)), b.Superuser(t, postgrestest.Database)
		run(t, app, shared...)
		run(t, super, "CREATE TABLE admins (id int, tenant_id int)", "CREATE EXTENSION citext", "CREATE TYPE public.pair AS (a int, b int)",
			"GRANT CREATE ON SCHEMA public TO app")
		run(t, app, "ALTER TABLE customers ENABLE ROW LEVEL SECURITY", "ALTER TABLE customers FORCE ROW LEVEL SECURITY",
			"CREATE POLICY own ON customers USING (tenant_id = 1)", "CREATE VIEW overview AS SELECT name FROM customers",
			"CREATE RULE no_delete AS ON DELETE TO orders DO INSTEAD NOTHING",
			"CREATE FUNCTION slug() RETURNS text LANGUAGE sql AS 'SELECT ''x''::text'",
			"CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER audited BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION audit()",
			"CREATE TABLE notes (id int, tenant_id int, mail public.citext, slug text DEFAULT slug(), both_ public.pair)",
			"CREATE TABLE old_notes () INHERITS (notes)", "INSERT INTO notes (id) VALUES (1)",
			"CREATE TABLE events (id int, tenant_id int) PARTITION BY LIST (tenant_id)",
			"CREATE TABLE forgotten (tenant_id int)", "CREATE TABLE referring (customer_id bigint REFERENCES customers)",
			"CREATE SEQUENCE loose", "CREATE TABLE alone (id int)")
		run(t, super, "SET ROLE owner_acme", "CREATE FUNCTION tenant_acme.lower(varchar) RETURNS text LANGUAGE sql AS 'SELECT ''planted''::text'",
			"CREATE TABLE tenant_acme.orders (id int)", "RESET ROLE")
		faulty := split
		faulty.Tables = []string{"customers", "orders", "notes", "events", "admins", "overview"}
		faulty.Through, faulty.LeaveOut = []string{"alone.id"}, []string{"nothing"}
		out, err := b.psql(t, script(t, faulty, tenancy.SplitCopy))
		require.Error(t, err)
		for _, want := range []string{
			"public.customers has FORCE ROW LEVEL SECURITY", "--leave-out customers.own", "--leave-out overview", "--leave-out orders.no_delete",
			"--leave-out orders.audited", "public.old_notes inherits from public.notes", "public.events is partitioned", "public.admins belongs to postgres",
			"type public.citext of the extension citext", "public.slug()", "the type public.pair cannot be copied", "--leave-out forgotten", "--leave-out referring",
			"public.loose is a sequence that no table owns", "public.notes has 1 rows that belong to no tenant", "public.overview is no plain table",
			"tenant_acme.orders is in the way", "tenant_acme.lower(character varying) in the schema tenant_acme might run",
			"public.alone has no foreign key on the column id", "--leave-out nothing: there is nothing",
		} {
			assert.Contains(t, out, want)
		}
		assert.Equal(t, 0, ask[int](t, super, "SELECT count(*) FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace"), "nothing was copied")
		assert.True(t, ask[bool](t, super, "SELECT to_regclass('public.tenant_split') IS NULL"), "no record either")
	})
}

func TestSplitIsRefusedUntilARowWithAnotherTenantsParentIsCorrected(t *testing.T) {
	t.Parallel()
	b, app := sharedBed(t, 0)
	run(t, app, "UPDATE orders SET customer_id = customer_id + 1 WHERE id = 7")
	out, err := b.psql(t, script(t, split, tenancy.SplitCopy))
	require.Error(t, err)
	assert.Contains(t, out, "public.orders has 1 rows that refer by orders_customer_id_fkey to a row of another tenant in public.customers: correct these rows, such as (7)")
	run(t, app, "UPDATE orders SET customer_id = customer_id - 1 WHERE id = 7")
	out, err = b.psql(t, script(t, split, tenancy.SplitCopy))
	require.NoError(t, err, out)
}

func TestSplitCopiesAllRowsOfATableWithRowLevelSecurity(t *testing.T) {
	t.Parallel()
	b, app := sharedBed(t, 0)
	run(t, app, "ALTER TABLE customers ENABLE ROW LEVEL SECURITY", "CREATE POLICY own ON customers USING (false)")
	s := split
	s.LeaveOut = []string{"customers.own"}
	out, err := b.psql(t, script(t, s, tenancy.SplitCopy))
	require.NoError(t, err, out)
	assert.Contains(t, out, "tenant_acme.customers: 250 rows")
}

func TestSplitScansASharedTableEquallyOftenForAnyNumberOfTenants(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	names, s := []string{}, tenancy.Split{Tables: []string{"customers", "orders"}, Column: "tenant_id"}
	for i := range 6 {
		names = append(names, fmt.Sprintf("t%d", i))
		s.Tenants = append(s.Tenants, tenancy.SplitTenant{Key: fmt.Sprint(i), Name: names[i]})
	}
	b.must(t, named(names...))
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, shared[:2]...)
	run(t, app, "INSERT INTO customers (tenant_id, name) SELECT n % 6, n FROM generate_series(1, 600) n",
		"INSERT INTO orders (tenant_id, customer_id) SELECT tenant_id, id FROM customers")
	super := b.Superuser(t, postgrestest.Database)
	ended := func() { // the server adds a session's counts when the session ends
		require.Eventually(t, func() bool {
			return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'") == 0
		}, 10*time.Second, 100*time.Millisecond)
	}
	require.NoError(t, app.Close(t.Context()))
	ended()
	run(t, super, "SELECT pg_stat_reset()")
	out, err := b.psql(t, script(t, s, tenancy.SplitCopy))
	require.NoError(t, err, out)
	ended()
	assert.LessOrEqual(t, ask[int](t, super, "SELECT seq_scan::int FROM pg_stat_all_tables WHERE relid = 'public.orders'::regclass"), 3, "before, after, and for the foreign key")
}
