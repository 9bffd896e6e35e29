package usage_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/usage"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// served writes a day on which each tenant got as many requests as in n.
func served(t *testing.T, b *bed, daysAgo int, n map[string]int) {
	t.Helper()
	x := b.traefik(fmt.Sprintf("traefik-%d", daysAgo), day(daysAgo))
	x.scrape(day(daysAgo).Add(time.Minute))
	for tenant, requests := range n {
		x.serve(router("starter", tenant), "200", requests, 10*requests)
		x.logins[tenant] = 1
	}
	x.scrape(day(daysAgo).Add(12 * time.Hour))
	x.flush(t)
}

func TestGaugesOfEachTenantAreWrittenAndNoOtherText(t *testing.T) {
	for _, major := range []int{0, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			b := newBed(t, major)
			command, out := b.job(t, b.metrics)
			require.NoError(t, command.Run(), out)
			assert.Contains(t, out.String(), "no update has run yet")

			b.reconcile(t, tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta"}))
			super := b.superuser(t)
			// Only the administrator could do this. The name would end the line.
			run(t, super, `INSERT INTO platform.tenants (name, role) VALUES (E'x"} 1\nevil{a="b', 'tenant_beta2')`, "CREATE SCHEMA tenant_beta2", "ANALYZE")
			locked := postgrestest.Connect(t, b.URL(postgrestest.App))
			run(t, locked, "BEGIN", "SET LOCAL ROLE owner_beta", "CREATE TABLE tenant_beta.held (id int)")
			assert.Contains(t, b.count(t), "2 tenants measured")
			series := b.get(t, "/api/v1/series?match[]={__name__!=''}")
			for _, metric := range usage.Gauges() {
				assert.Contains(t, series, fmt.Sprintf(`{"__name__":%q,"tenant":"acme"}`, metric))
				assert.Contains(t, series, fmt.Sprintf(`{"__name__":%q,"tenant":"beta"}`, metric))
			}
			assert.NotContains(t, series, "evil")
			size := ask[int](t, super, "SELECT sum(pg_total_relation_size(oid))::int FROM pg_class WHERE relnamespace = 'tenant_acme'::regnamespace AND relkind IN ('r', 'S')")
			tier := settings.Tiers[0].StorageMiB << 20
			assert.Eventually(t, func() bool {
				return strings.Contains(b.get(t, "/api/v1/export?match[]=tenant_schema_limit_bytes%7Btenant=%22acme%22%7D"), fmt.Sprintf(`"values":[%d]`, tier))
			}, 20*time.Second, 200*time.Millisecond)
			// VictoriaMetrics exports a sample some seconds after it was written.
			assert.Eventually(t, func() bool {
				return strings.Contains(b.get(t, "/api/v1/export?match[]=tenant_schema_bytes%7Btenant=%22acme%22%7D"), fmt.Sprintf(`"values":[%d]`, size))
			}, 20*time.Second, 200*time.Millisecond)
		})
	}
}

// A tenant that locks a table has no size in that run, and the others have theirs.
func TestTenantThatLocksItsTablesIsNotMeasured(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta", SampleData: true}))
	conn := postgrestest.Connect(t, b.url(t, named("acme")[0]))
	run(t, b.superuser(t), "GRANT ALL ON ALL TABLES IN SCHEMA tenant_acme TO tenant_acme")
	run(t, conn, "BEGIN", "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE")
	assert.Contains(t, b.count(t), "1 tenants measured")
}

func TestDayHasNoRequestsIfTheyWereNotMeasured(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme"))
	b.since(t, 3)
	stored := func(daysAgo int) {
		b.write(t, fmt.Sprintf("tenant_schema_bytes{tenant=\"acme\"} 8192 %d\n", day(daysAgo).Add(time.Hour).UnixMilli()))
	}
	stored(3) // Traefik was not scraped
	// The store lost its data: Traefik has counted 90,000 requests in its life.
	x := b.traefik("traefik-1", day(20))
	x.serve(router("starter", "acme"), "200", 90000, 1)
	stored(2)
	x.scrape(day(2).Add(6 * time.Hour))
	x.serve(router("starter", "acme"), "200", 7, 1)
	x.scrape(day(1).Add(6 * time.Hour))
	stored(1)
	x.flush(t)
	b.count(t)
	assert.Equal(t, []string{
		day(3).Format(time.DateOnly) + " null none 8192",
		day(2).Format(time.DateOnly) + " null none 8192",
		day(1).Format(time.DateOnly) + " 7 none 8192",
	}, rows(t, b.superuser(t), "day, coalesce(requests::text, 'null'), coalesce(logins::text, 'none'), storage) AS line FROM platform.usage ORDER BY day"))
}

// The app writes its own metrics. What it writes must not stop the run, nor become SQL.
func TestLabelsAndValuesOfTheAppCannotStopTheRun(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme"))
	b.since(t, 1)
	served(t, b, 1, map[string]int{"acme": 5, "stranger": 9})
	at := day(1).Add(13 * time.Hour).UnixMilli()
	for _, label := range []string{"'; DROP TABLE platform.usage; --", `\"}\n`, "(purged)", "$answers", "\\\\."} {
		b.write(t, fmt.Sprintf("app_logins_total{namespace=\"app\",tenant=\"%s\"} 3 %d\n", label, at))
	}
	b.write(t, fmt.Sprintf("app_events_total{namespace=\"app\",tenant=\"acme\",event=\"a\"} 1e300 %d\ntenant_schema_bytes{tenant=\"acme\"} +Inf %[1]d\n", at))
	b.count(t)
	assert.Equal(t, []string{"acme 5 1"}, rows(t, b.superuser(t), "tenant, requests, logins) AS line FROM platform.usage"))
}

func TestUsageFollowsATenantThatIsRenamed(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme", "gamma"))
	b.since(t, 3)
	served(t, b, 3, map[string]int{"acme": 30, "gamma": 1})
	b.count(t) // writes day 3, and days 2 and 1 without traffic
	b.unwritten(t, 3)
	// Two days are missing when the tenant is renamed. Then another one gets its old name.
	served(t, b, 2, map[string]int{"acme": 20})
	b.reconcile(t, tenants(settings.Tenant{Name: "zeta", RenamedFrom: "acme"}, settings.Tenant{Name: "gamma"}))
	b.reconcile(t, tenants(settings.Tenant{Name: "zeta", RenamedFrom: "acme"}, settings.Tenant{Name: "gamma"}, settings.Tenant{Name: "acme"}))
	served(t, b, 1, map[string]int{"zeta": 10})
	b.count(t)
	assert.Equal(t, []string{
		day(3).Format(time.DateOnly) + " gamma 1", day(3).Format(time.DateOnly) + " zeta 30",
		day(2).Format(time.DateOnly) + " gamma 0", day(2).Format(time.DateOnly) + " zeta 20", day(1).Format(time.DateOnly) + " zeta 10",
	}, rows(t, b.superuser(t), "day, tenant, requests) AS line FROM platform.usage ORDER BY day, tenant"))
}

func TestPurgeRemovesATenantFromItsUsageAndKeepsTheSums(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme", "beta", "gamma"))
	b.since(t, 3)
	served(t, b, 3, map[string]int{"acme": 30, "beta": 300, "gamma": 1})
	b.count(t)
	b.unwritten(t, 3)
	served(t, b, 2, map[string]int{"acme": 20, "beta": 200}) // not written yet
	archived := settings.Tenant{Name: "acme", State: settings.Archived}
	b.reconcile(t, tenants(archived, settings.Tenant{Name: "beta", State: settings.Archived}, settings.Tenant{Name: "gamma"}))
	purged := tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"},
		settings.Tenant{Name: "beta", State: settings.Purged, ConfirmPurge: "beta"}, settings.Tenant{Name: "gamma"})
	b.reconcile(t, purged)
	super := b.superuser(t)
	assert.Equal(t, []string{"(purged)", "gamma"}, rows(t, super, "tenant) AS line FROM (SELECT DISTINCT tenant FROM platform.usage ORDER BY 1) AS of"))
	b.reconcile(t, purged)
	b.count(t)
	const sums = "tenant, sum(requests), sum(bytes), sum(logins), count(p95), count(last_request), count(storage)) AS line FROM platform.usage GROUP BY tenant ORDER BY tenant"
	assert.Equal(t, []string{"(purged) 550 5500 2 0 0 0", "gamma 1 10 1 0 0 0"}, rows(t, super, sums))
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM platform.usage WHERE tenant = '(purged)' AND extract(day FROM day) <> 1"))
	b.count(t)
	assert.Equal(t, []string{"(purged) 550 5500 2 0 0 0", "gamma 1 10 1 0 0 0"}, rows(t, super, sums))
}

func TestTenantCanNeitherReadNorWriteUsage(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", OwnsSchema: true})
	b.reconcile(t, declared)
	tables := rows(t, b.superuser(t), "relname) AS line FROM pg_class WHERE relnamespace = 'platform'::regnamespace AND relname LIKE 'usage%' AND relkind IN ('r', 'v')")
	require.ElementsMatch(t, []string{"usage", "usage_days", "usage_names", "usage_month"}, tables)
	for _, connection := range []string{b.url(t, declared[0]), b.url(t, declared[1]), b.URL(postgrestest.App)} {
		conn := postgrestest.Connect(t, connection)
		for _, table := range tables {
			for _, statement := range []string{"SELECT FROM platform.%s", "DELETE FROM platform.%s", "INSERT INTO platform.%s DEFAULT VALUES", "TRUNCATE platform.%s"} {
				_, err := conn.Exec(t.Context(), fmt.Sprintf(statement, table))
				assert.ErrorContains(t, err, "permission denied for schema platform", table)
			}
		}
		_, err := conn.Exec(t.Context(), "SELECT platform.add_purged_usage('2026-11-01', 1, 1, 1, 1, 1, 1)")
		assert.ErrorContains(t, err, "permission denied")
	}
}

func TestUsageIsKeptFor25Months(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.reconcile(t, named("acme"))
	b.since(t, 1)
	super := b.superuser(t)
	month := time.Date(day(1).Year(), day(1).Month(), 1, 0, 0, 0, 0, time.UTC)
	kept, gone := month.AddDate(0, -25, 0), month.AddDate(0, -25, -1)
	for _, at := range []time.Time{kept, gone} {
		run(t, super, fmt.Sprintf("INSERT INTO platform.usage (tenant, day, requests) VALUES ('acme', '%s', 1)", at.Format(time.DateOnly)))
	}
	served(t, b, 1, map[string]int{"acme": 2})
	b.count(t)
	assert.Equal(t, []string{kept.Format(time.DateOnly) + " 1", day(1).Format(time.DateOnly) + " 2"},
		rows(t, super, "day, requests) AS line FROM platform.usage ORDER BY day"))
}
