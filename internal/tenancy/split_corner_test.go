package tenancy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestSplitCopiesAllButWhatTheUserLeavesOut(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme", "beta"))
		app := postgrestest.Connect(t, b.URL(postgrestest.App))
		run(t, app, shared...)
		run(t, app, "CREATE VIEW overview AS SELECT name FROM customers", "CREATE SEQUENCE loose",
			"CREATE TABLE forgotten (tenant_id int)", "CREATE TABLE referring (customer_id bigint REFERENCES customers)",
			"ALTER TABLE customers ENABLE ROW LEVEL SECURITY", "CREATE POLICY own ON customers USING (tenant_id = 1)",
			"CREATE RULE no_delete AS ON DELETE TO orders DO INSTEAD NOTHING",
			"CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER audited BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION audit()",
			"CREATE FUNCTION total() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM customers; END")
		s := split
		s.LeaveOut = []string{"overview", "loose", "forgotten", "referring", "customers.own", "orders.no_delete", "orders.audited", "total"}
		for i, name := range s.LeaveOut {
			fewer := s
			fewer.LeaveOut = append(append([]string{}, s.LeaveOut[:i]...), s.LeaveOut[i+1:]...)
			out, err := b.psql(t, script(t, fewer, tenancy.SplitCopy))
			require.Error(t, err, name)
			assert.Contains(t, out, name)
		}
		out, err := b.psql(t, script(t, s, tenancy.SplitCopy))
		require.NoError(t, err, out)
		out, err = b.psql(t, script(t, s, tenancy.SplitVerify))
		require.NoError(t, err, out)
		super := b.Superuser(t, postgrestest.Database)
		assert.Equal(t, "customers orders", ask[string](t, super, "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'tenant_acme'::regnamespace AND relkind IN ('r', 'v')"))
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'tenant_acme.orders'::regclass"))
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_rewrite WHERE ev_class = 'tenant_acme.orders'::regclass"))
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_policy WHERE polrelid = 'tenant_acme.customers'::regclass"))
		assert.Equal(t, 501, ask[int](t, app, "SELECT total()"), "the objects that were left out still work on the shared tables")
	})
}

func TestSecondSplitWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	b, _ := sharedBed(t, 18)
	super, holder := b.Superuser(t, postgrestest.Database), b.Superuser(t, postgrestest.Database)
	run(t, holder, "BEGIN", "LOCK TABLE public.customers IN ROW EXCLUSIVE MODE")
	sql := script(t, split, tenancy.SplitCopy)
	type ended struct {
		out string
		err error
	}
	first := make(chan ended, 1)
	go func() {
		out, err := b.psql(t, sql)
		first <- ended{out, err}
	}()
	require.Eventually(t, func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND wait_event_type = 'Lock'") == 1
	}, 30*time.Second, 50*time.Millisecond, "the first split waits for the table")
	for _, step := range []tenancy.SplitStep{tenancy.SplitCopy, tenancy.SplitVerify, tenancy.SplitRollback} {
		impatient := strings.Replace(script(t, split, step), "lock_timeout = '1min'", "lock_timeout = '1s'", 1)
		out, err := b.psql(t, impatient)
		require.Error(t, err)
		assert.Contains(t, out, "another split is running in this database: wait until it has ended, and run this again")
	}
	run(t, holder, "COMMIT")
	done := <-first
	require.NoError(t, done.err, done.out)
	out, err := b.psql(t, sql)
	require.NoError(t, err, out)
	assert.Equal(t, 501, ask[int](t, super, `SELECT (SELECT count(*) FROM tenant_acme.orders) + (SELECT count(*) FROM tenant_beta.orders)`))
}

// Tables of tenants use the schema of an extension. A purge must not drop that schema.
func TestSplitTenantWithAnExtensionIsRestoredFromItsArchive(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme", "beta"))
		app, super := postgrestest.Connect(t, b.URL(postgrestest.App)), b.Superuser(t, postgrestest.Database)
		run(t, super, "CREATE SCHEMA extensions", "CREATE EXTENSION pg_trgm SCHEMA extensions", "GRANT USAGE ON SCHEMA extensions TO app")
		run(t, app, shared...)
		run(t, app, "CREATE INDEX customers_like ON customers USING gin (name extensions.gin_trgm_ops)",
			"ALTER TABLE customers ADD likeness real DEFAULT extensions.similarity('ab', 'abc')")
		sql := script(t, split, tenancy.SplitCopy)
		out, err := b.psql(t, sql)
		require.Error(t, err)
		assert.Contains(t, out, "GRANT USAGE ON that SCHEMA TO PUBLIC")
		run(t, super, "GRANT USAGE ON SCHEMA extensions TO PUBLIC")
		out, err = b.psql(t, sql)
		require.NoError(t, err, out)
		acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
		run(t, acme, "INSERT INTO customers (tenant_id, name) VALUES (1, 'after the move')")
		const rows = `SELECT string_agg(c::text, E'\n' ORDER BY id) FROM customers c`
		before := ask[string](t, acme, rows)
		require.NoError(t, acme.Close(t.Context()))

		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "beta"}))
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}, settings.Tenant{Name: "beta"}))
		back := tenants(settings.Tenant{Name: "acme", Restore: true}, settings.Tenant{Name: "beta"})
		b.must(t, back)
		assert.Empty(t, b.must(t, back))
		acme = postgrestest.Connect(t, b.url(t, back[0]))
		assert.Equal(t, before, ask[string](t, acme, rows))
		assert.Equal(t, 250, ask[int](t, acme, "SELECT count(*) FROM orders"))
		run(t, acme, "INSERT INTO customers (tenant_id, name) VALUES (1, 'the sequence goes on')")
		assert.Contains(t, ask[string](t, acme, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'tenant_acme' AND indexname = 'customers_like'"), "gin_trgm_ops")
		out, err = b.psql(t, script(t, split, tenancy.SplitVerify))
		require.Error(t, err)
		assert.Contains(t, out, "tenant_acme.customers: the copy has changed since it was made")
		assert.NotContains(t, out, "orders", "the restored rows are equal to the copied ones")
	})
}
