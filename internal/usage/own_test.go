package usage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// own is what a session reads of the usage: a line for each day.
const own = "day, requests) AS line FROM platform_usage.days ORDER BY day"

// used writes a day with requests for each tenant, without VictoriaMetrics.
func used(t *testing.T, super *pgx.Conn, requests map[string]int) {
	t.Helper()
	for tenant, n := range requests {
		run(t, super, fmt.Sprintf("INSERT INTO platform.usage (tenant, day, requests) VALUES ('%s', '2026-11-01', %d)", tenant, n))
	}
}

func TestTenantReadsItsOwnUsageOnly(t *testing.T) {
	for _, major := range []int{0, 17, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			b := &bed{Server: postgrestest.Start(t, major), dir: t.TempDir()}
			// beta may create functions, operators and views.
			declared := tenants(settings.Tenant{Name: "ac-me"}, settings.Tenant{Name: "beta", OwnsSchema: true}, settings.Tenant{Name: "gamma"})
			b.reconcile(t, declared)
			super := b.superuser(t)
			used(t, super, map[string]int{"ac-me": 1, "beta": 2, "gamma": 3, "(purged)": 4})
			assert.Equal(t, []string{"2026-11-01 1"}, rows(t, postgrestest.Connect(t, b.url(t, declared[0])), own))
			for role, url := range map[string]string{"the app": b.URL(postgrestest.App), "the administrator": b.URL(postgrestest.Admin)} {
				assert.Empty(t, rows(t, postgrestest.Connect(t, url), own), "%s is no tenant", role)
			}
			app := postgrestest.Connect(t, b.URL(postgrestest.App))
			run(t, app, "SET ROLE owner_ac_me")
			assert.Empty(t, rows(t, app, own), "SET ROLE does not change whose rows are read")

			beta := postgrestest.Connect(t, b.url(t, declared[1]))
			attackOwn(t, beta)
			assert.Equal(t, []string{"2026-11-01 2"}, rows(t, beta, own))
			assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM tenant_beta.stolen WHERE requests <> 2"), "what beta's functions in WHERE have seen of others")
			assert.Equal(t, []string{"2026-11-01 1"}, rows(t, postgrestest.Connect(t, b.url(t, declared[0])), own), "beta's code has no effect on the others")
			assert.Equal(t, "doadmin", ask[string](t, super, "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'platform_usage.days'::regclass"))
			b.reconcile(t, declared)
			assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM tenant_beta.stolen WHERE who NOT IN ('owner_beta', 'tenant_beta')"), "nobody else has run beta's code")
		})
	}
}

// attackOwn tries to read more than the own rows, with all that a tenant may plant in its schema.
func attackOwn(t *testing.T, beta *pgx.Conn) {
	t.Helper()
	run(t, beta, "CREATE TABLE stolen (requests bigint, who name)",
		// A function that costs nothing is called first, where PostgreSQL may choose the order.
		"CREATE FUNCTION leak(n bigint) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN INSERT INTO tenant_beta.stolen VALUES (n, current_user); RETURN true; END $$",
		"SELECT FROM platform_usage.days WHERE leak(requests)",
		"CREATE FUNCTION same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'", "CREATE OPERATOR = (FUNCTION = same, LEFTARG = text, RIGHTARG = text)",
		"CREATE FUNCTION replace(text, text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'beta' $$",
		"SET search_path = tenant_beta, pg_catalog",
		"CREATE VIEW spy WITH (security_invoker) AS SELECT * FROM platform_usage.days WHERE leak(requests)", "SELECT FROM spy",
		"CREATE VIEW owners AS SELECT * FROM platform_usage.days WHERE leak(requests)", "SELECT FROM owners",
		"CREATE FUNCTION definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM platform_usage.days WHERE leak(requests)'", "SELECT definer()")
	for _, role := range []string{"tenant_beta", "NONE"} {
		run(t, beta, "SET ROLE "+role)
		assert.Equal(t, []string{"2026-11-01 2"}, rows(t, beta, own), role)
	}
	run(t, beta, "RESET ROLE", "RESET search_path")
	for _, statement := range []string{
		"SET SESSION AUTHORIZATION tenant_gamma", "SET ROLE tenant_gamma", "CREATE FUNCTION quiet(bigint) RETURNS boolean LANGUAGE sql LEAKPROOF AS 'SELECT true'",
		"ALTER VIEW platform_usage.days RESET (security_barrier)", "ALTER VIEW platform_usage.days SET (security_invoker)", "CREATE OR REPLACE VIEW platform_usage.days AS SELECT 1",
		"INSERT INTO platform_usage.days (day) VALUES ('2026-11-02')", "UPDATE platform_usage.days SET requests = 0", "DELETE FROM platform_usage.days",
		"SELECT FROM platform_usage.days FOR UPDATE", "DO $$ BEGIN LOCK TABLE platform_usage.days IN ACCESS EXCLUSIVE MODE; END $$", "CREATE TABLE platform_usage.mine (id int)",
		"CREATE RULE mine AS ON SELECT TO platform_usage.days DO INSTEAD SELECT 1", "GRANT SELECT ON platform.usage TO tenant_beta", "SELECT FROM platform.usage",
	} {
		_, err := beta.Exec(t.Context(), statement)
		assert.Regexp(t, "permission denied|must be owner|must be superuser|only superuser", fmt.Sprint(err), statement)
	}
}

func TestOwnUsageFollowsARenameAndEndsWithAPurge(t *testing.T) {
	t.Parallel()
	b := &bed{Server: postgrestest.Start(t, 0), dir: t.TempDir()}
	b.reconcile(t, named("acme", "beta"))
	super := b.superuser(t)
	used(t, super, map[string]int{"acme": 1, "beta": 2})
	zeta := settings.Tenant{Name: "zeta", RenamedFrom: "acme"}
	b.reconcile(t, tenants(zeta, settings.Tenant{Name: "beta", State: settings.Archived}))
	_, err := pgx.Connect(t.Context(), b.url(t, named("beta")[0]))
	require.ErrorContains(t, err, "not permitted to log in")
	assert.Equal(t, 2, ask[int](t, super, "SELECT requests FROM platform.usage WHERE tenant = 'beta'"), "an archived tenant keeps its usage")
	// New tenants get the names of the renamed one and of the purged one.
	b.reconcile(t, tenants(zeta, settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", State: settings.Purged, ConfirmPurge: "beta"}))
	b.reconcile(t, tenants(zeta, settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", Fresh: true}))
	for tenant, want := range map[string][]string{"zeta": {"2026-11-01 1"}, "acme": {}, "beta": {}} {
		assert.Equal(t, want, rows(t, postgrestest.Connect(t, b.url(t, named(tenant)[0])), own), tenant)
	}
}

// A tenant may leave a transaction open that has read its usage. An update that changes a table then
// waits for it, until watch.sql ends the session.
func TestSessionThatReadsItsUsageLocksNoTableThatEndingItNeeds(t *testing.T) {
	t.Parallel()
	b := &bed{Server: postgrestest.Start(t, 0), dir: t.TempDir()}
	declared := named("acme")
	b.reconcile(t, declared)
	run(t, b.superuser(t), "DROP SCHEMA platform_usage CASCADE", "DROP INDEX platform.usage_login")
	b.reconcile(t, declared) // a stack of an older version has the tables, and gets the view
	conn := postgrestest.Connect(t, b.url(t, declared[0]))
	run(t, conn, "SET idle_in_transaction_session_timeout = 0", "BEGIN", "SELECT FROM platform_usage.days")
	tables := ask[[]string](t, b.superuser(t), "SELECT array_agg(DISTINCT relname::text ORDER BY relname::text) FROM pg_locks JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'platform' AND relkind = 'r'")
	assert.Equal(t, "usage", strings.Join(tables, " "), "watch.sql reads platform.tenants: no tenant may have a lock on it")
}
