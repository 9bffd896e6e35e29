package alerts_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/settings"
)

// routers has the metrics of two routers of acme and one of beta, an hour long. acme gets 60
// requests a minute, of which six fail, until the 20th minute. beta gets none.
func routers() []unitSeries {
	router := func(metric, tenant, labels, values string) unitSeries {
		return unitSeries{fmt.Sprintf(`%s{tenant=%q,protocol="http",method="GET",%s}`, metric, tenant, labels), values}
	}
	out := []unitSeries{
		router("traefik_router_requests_total", "acme", `pod="a",code="200"`, "0+30x20 600x40"),
		router("traefik_router_requests_total", "acme", `pod="b",code="200"`, "0+24x20 480x40"),
		router("traefik_router_requests_total", "acme", `pod="b",code="502"`, "0+6x20 120x40"),
		router("traefik_router_requests_total", "beta", `pod="b",code="200"`, "50x60"),
		router("traefik_router_responses_bytes_total", "acme", `pod="a",code="200"`, "0+6000x20 120000x40"),
		// Requests of no tenant, such as Grafana's.
		{`traefik_router_requests_total{router="websecure-ingress-grafana@kubernetes",code="200"}`, "0+60x60"},
	}
	limits := []string{"+Inf"}
	for _, ms := range settings.Latencies {
		limits = append(limits, strconv.FormatFloat(float64(ms)/1000, 'g', -1, 64))
	}
	for _, le := range limits {
		values := "0+60x20 1200x40"
		if le == "0.1" {
			values = "0x60"
		}
		out = append(out, router("traefik_router_request_duration_seconds_bucket", "acme", fmt.Sprintf("le=%q,code=\"200\"", le), values))
	}
	return out
}

func TestRecordingRulesCountByTenant(t *testing.T) {
	query := func(at, expr, labels string, value float64) unitQuery {
		return unitQuery{Expr: expr, At: at, Samples: []unitSample{{labels, value}}}
	}
	test := unitTest{Name: "usage", Interval: "1m", Series: routers(), Queries: []unitQuery{
		query("15m", `tenant:requests:rate5m{tenant="acme"}`, `tenant:requests:rate5m{tenant="acme"}`, 1),
		query("15m", `tenant:errors:rate5m`, `tenant:errors:rate5m{tenant="acme"}`, 0.1),
		query("15m", `tenant:sent_bytes:rate5m`, `tenant:sent_bytes:rate5m{tenant="acme"}`, 100),
		query("15m", `sum(tenant:requests:rate5m)`, `{}`, 1),
		query("15m", `histogram_quantile(0.95, sum by (tenant, le) (sum_over_time(tenant:request_duration_seconds_bucket:increase5m[15m])))`, `{tenant="acme"}`, 0.2425),
		query("50m", `last_over_time(tenant:last_request:timestamp_seconds[1h]) - 946684800`, `{tenant="acme"}`, 24*60), // at most five minutes late
		// The series of one tenant: docs/usage.md has this number.
		query("15m", `count({__name__=~"tenant:.+",tenant="acme"})`, `{}`, 4+7),
	}}
	printed, err := runTests(t, map[string][]unitTest{"1m": {test}})
	require.NoError(t, err, printed)

	test.Queries = []unitQuery{query("15m", `sum(tenant:requests:rate5m)`, `{}`, 2)}
	_, err = runTests(t, map[string][]unitTest{"1m": {test}})
	assert.Error(t, err, "the test above must not pass because the tool checks nothing")
}

func TestRecordingRulesHaveTheBillByLineAndWhatRuns(t *testing.T) {
	line := func(metric, line string) string { return fmt.Sprintf(`%s{line=%q}`, metric, line) }
	series := []unitSeries{
		{`kube_node_info{node="a",pod="exporter-1"}`, "1x20"}, {`kube_node_info{node="a",pod="exporter-2"}`, "1x20"}, {`kube_node_info{node="b",pod="exporter-1"}`, "1x20"},
		{`kube_persistentvolumeclaim_resource_requests_storage_bytes{namespace="monitoring",persistentvolumeclaim="victoria-metrics"}`, "5368709120x20"},
		{`kube_service_spec_type{namespace="ingress",service="traefik",type="LoadBalancer"}`, "1x20"},
	}
	query := func(expr string, samples ...unitSample) unitQuery {
		return unitQuery{Expr: expr, At: "10m", Samples: samples}
	}
	printed, err := runTests(t, map[string][]unitTest{"1m": {{Name: "money", Interval: "1m", Series: series, Queries: []unitQuery{
		query(alerts.BillDollars, unitSample{line(alerts.BillDollars, "database"), 15.15}, unitSample{line(alerts.BillDollars, "load balancer"), 12},
			unitSample{line(alerts.BillDollars, "nodes"), 48}, unitSample{line(alerts.BillDollars, "volumes (GiB)"), 0.5}),
		query(alerts.RunningDollars, unitSample{line(alerts.RunningDollars, "load balancer"), 12},
			unitSample{line(alerts.RunningDollars, "nodes"), 48}, unitSample{line(alerts.RunningDollars, "volumes (GiB)"), 0.5}),
		query(alerts.LimitDollars, unitSample{alerts.LimitDollars, 80}),
		query(alerts.StepDollars, unitSample{alerts.StepDollars, 15.3}),
		query(alerts.MoreTenants, unitSample{alerts.MoreTenants, 7}),
		query(alerts.IncludedGiB, unitSample{alerts.IncludedGiB, 5000}),
	}}}})
	require.NoError(t, err, printed)
}
