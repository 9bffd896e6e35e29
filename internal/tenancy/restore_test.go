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

// declaredBefore has the tenants at the time that is restored. The tenant left was purged
// later.
func declaredBefore() []settings.Tenant {
	return tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta", SampleData: true}, settings.Tenant{Name: "left"})
}

// declaredNow has the tenants of the live database. acme has another password since, and the
// tenant later is new.
func declaredNow() []settings.Tenant {
	return tenants(settings.Tenant{Name: "acme", SampleData: true, PasswordVersion: 2}, settings.Tenant{Name: "beta", SampleData: true}, settings.Tenant{Name: "later"})
}

// damagedCloud returns a cloud whose live database has lost rows, and got new ones, after the
// time of the copy.
func damagedCloud(t *testing.T, major int) *cloud {
	t.Helper()
	c := &cloud{t: t, live: newBed(t, major), copy: newBed(t, major), rules: map[string][]string{}, writers: true, scheduled: true}
	c.copy.must(t, declaredBefore())
	c.live.must(t, declaredNow())
	for _, b := range []*bed{c.copy, c.live} {
		run(t, postgrestest.Connect(t, b.URL(postgrestest.App)),
			"CREATE DOMAIN public.cents AS int CHECK (VALUE >= 0)", "CREATE TYPE public.tier AS ENUM ('free', 'paid')",
			"CREATE TABLE public.plans (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tier public.tier, price public.cents)",
			"CREATE FUNCTION public.price(of int) RETURNS int LANGUAGE sql AS 'SELECT price::int FROM public.plans WHERE id = of'",
			"CREATE STATISTICS public.plan_statistics ON tier, price FROM public.plans",
			"INSERT INTO public.plans (tier, price) VALUES ('free', 0), ('paid', 900)")
	}
	c.write("beta", "INSERT INTO customers VALUES (21, 'newer', 'newer@example.com')")
	c.live.migrate(t, "later", "CREATE TABLE notes (id int)", "INSERT INTO notes VALUES (1)")
	c.live.migrate(t, "acme", "DELETE FROM orders", "DROP TABLE customers CASCADE", "CREATE TABLE mistake (id int)")
	run(t, postgrestest.Connect(t, c.live.URL(postgrestest.App)),
		"UPDATE public.plans SET price = 1", "CREATE TABLE public.mistake (plan int REFERENCES public.plans)")
	return c
}

// write runs a tenant's statements in a session that it closes: a tenant may have only two.
func (c *cloud) write(tenant string, statements ...string) {
	c.t.Helper()
	conn := c.connect(tenant)
	run(c.t, conn, statements...)
	require.NoError(c.t, conn.Close(context.Background()))
}

// connect opens a session of a tenant with the password of its current declaration.
func (c *cloud) connect(tenant string) *pgx.Conn {
	c.t.Helper()
	for _, of := range declaredNow() {
		if of.Name == tenant {
			conn, err := pgx.Connect(context.Background(), c.live.url(c.t, of))
			require.NoError(c.t, err, tenant)
			c.t.Cleanup(func() { _ = conn.Close(context.Background()) }) // a run may have ended the session
			return conn
		}
	}
	require.Fail(c.t, "no such tenant", tenant)
	return nil
}

// assertHealthy checks what has to be true after every restore.
func (c *cloud) assertHealthy(out string) {
	c.t.Helper()
	acme, beta := c.connect("acme"), c.connect("beta")
	assert.Equal(c.t, 20, ask[int](c.t, acme, "SELECT count(*) FROM customers"))
	assert.Equal(c.t, 200, ask[int](c.t, acme, "SELECT count(*) FROM orders"))
	assert.True(c.t, ask[bool](c.t, acme, "SELECT to_regclass('mistake') IS NULL"), "tables that were created after that time are dropped")
	assert.Equal(c.t, "owner_acme", ask[string](c.t, acme, "SELECT tableowner FROM pg_tables WHERE tablename = 'orders' AND schemaname = 'tenant_acme'"))
	assert.Equal(c.t, 1, ask[int](c.t, c.connect("later"), "SELECT count(*) FROM notes"), "a tenant that is not in the copy keeps its rows")
	for conn, query := range map[*pgx.Conn]string{acme: "SELECT FROM tenant_beta.orders", beta: "SELECT FROM tenant_acme.orders"} {
		_, err := conn.Exec(context.Background(), query)
		assert.ErrorContains(c.t, err, "permission denied", query)
	}
	assert.Empty(c.t, c.live.must(c.t, declaredNow()), "another reconcile changes nothing")

	assert.False(c.t, c.forked, "the copy was deleted")
	assert.True(c.t, c.writers, "the app runs")
	assert.True(c.t, c.scheduled, "the schedule runs")
	assert.Empty(c.t, c.ups, "every pulumi up was run")
	assert.Equal(c.t, []string{"ip_addr:" + operatorAddress}, c.rules[copyID])
	assert.Empty(c.t, c.rules[liveID], "the operator's address is removed from the trusted sources")
	for _, password := range c.passwords() {
		assert.NotContains(c.t, c.lines(), password)
		assert.NotContains(c.t, out, password)
	}
}

func TestRestoreOfOneTenantLeavesTheOthersRowsAndTheAppsTables(t *testing.T) {
	eachMajor(t, func(t *testing.T, major int) {
		c := damagedCloud(t, major)
		suspended := declaredNow()
		suspended[0].State = settings.Suspended
		c.ups = [][]settings.Tenant{suspended, declaredNow()}
		c.assertHealthy(c.runRunbook(oneTenant))
		assert.Equal(t, 21, ask[int](t, c.connect("beta"), "SELECT count(*) FROM customers"), "beta keeps its newer row")
		app := postgrestest.Connect(t, c.live.URL(postgrestest.App))
		assert.Equal(t, 1, ask[int](t, app, "SELECT public.price(2)"))
	})
}

func TestRestoreOfEverythingBringsTenantsAndTheAppsTablesToTheCopy(t *testing.T) {
	eachMajor(t, func(t *testing.T, major int) {
		c := damagedCloud(t, major)
		c.ups = [][]settings.Tenant{declaredNow()}
		out := c.runRunbook(everything)
		c.assertHealthy(out)
		assert.Contains(t, out, "purged: tenant_left\nnew: tenant_later\n")
		assert.Equal(t, 20, ask[int](t, c.connect("beta"), "SELECT count(*) FROM customers"), "beta is as in the copy")
		app := postgrestest.Connect(t, c.live.URL(postgrestest.App))
		assert.Equal(t, 900, ask[int](t, app, "SELECT public.price(2)"))
		assert.True(t, ask[bool](t, app, "SELECT to_regclass('public.mistake') IS NULL"))
		run(t, app, "INSERT INTO public.plans (tier, price) VALUES ('paid', 1200)")
		assert.Equal(t, 1200, ask[int](t, app, "SELECT public.price(3)"), "the sequence continues after the copy's value")
		assert.True(t, ask[bool](t, c.live.Superuser(t, postgrestest.Database), "SELECT to_regrole('tenant_left') IS NULL"), "a purged tenant stays purged")
	})
}
