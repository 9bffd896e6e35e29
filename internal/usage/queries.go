package usage

import (
	"fmt"

	"github.com/genericcorp/platform/internal/workload"
)

// Names of the gauges that the Job writes to VictoriaMetrics, each with the label tenant.
// RowsWritten is a counter. SchemaLimitBytes is the storage of the tenant's tier.
const (
	SchemaBytes      = "tenant_schema_bytes"
	SchemaLimitBytes = "tenant_schema_limit_bytes"
	Rows             = "tenant_rows"
	RowsWritten      = "tenant_rows_written_total"
	Connections      = "tenant_connections"
)

// Gauges returns the names of all metrics that the Job writes.
func Gauges() []string {
	return []string{SchemaBytes, SchemaLimitBytes, Rows, RowsWritten, Connections}
}

// Named is an expression in MetricsQL with a name.
type Named struct{ Name, Expr string }

// Recordings are the recording rules, which vmalert evaluates every RecordingInterval. Each has
// one series for each tenant, and bucket has one for each bucket of Traefik's histogram.
//
// The roll-up reads the exact counters and not these rates. The scrape configuration gives the
// label tenant to the metrics of a tenant's router (routes.TenantRouters).
func Recordings() []Named {
	return []Named{
		{"tenant:requests:rate5m", `sum by (tenant) (rate(` + requests + `}[5m]))`},
		{"tenant:errors:rate5m", `sum by (tenant) (rate(` + errors + `}[5m]))`},
		{"tenant:sent_bytes:rate5m", `sum by (tenant) (rate(` + bytes + `}[5m]))`},
		{bucket, `sum by (tenant, le) (increase(traefik_router_request_duration_seconds_bucket{tenant!="",protocol="http"}[5m]))`},
		// It has a sample only while the tenant is active.
		{lastRequest, `(sum by (tenant) (increase(` + requests + `}[5m])) > 0) * 0 + time()`},
	}
}

// RecordingInterval is how often the recording rules are evaluated, in seconds. It is the window
// of bucket, so the windows of a day do not overlap.
const RecordingInterval = 300

const (
	bucket      = "tenant:request_duration_seconds_bucket:increase5m"
	lastRequest = "tenant:last_request:timestamp_seconds"

	requests = `traefik_router_requests_total{tenant!=""`
	errors   = `traefik_router_requests_total{tenant!="",code=~"5.."`
	bytes    = `traefik_router_responses_bytes_total{tenant!=""`
)

// Queries are what the roll-up asks at the end of a day. Each returns a series for each tenant,
// but for measured and lost, which return one or none.
func Queries() []Named {
	app := fmt.Sprintf(`{namespace=%q,tenant!=""`, workload.App.Namespace)
	started := fmt.Sprintf(`process_start_time_seconds{namespace=~"%s|%s"}`, workload.Traefik.Namespace, workload.App.Namespace)
	return []Named{
		{"measured", fmt.Sprintf(`count(count_over_time(process_start_time_seconds{namespace=%q}[24h]))`, workload.Traefik.Namespace)},
		// A Pod that ran before yesterday, and that the store has seen today for the first time:
		// the store has lost its data. The counters would give the sum of the Pod's life.
		{"lost", fmt.Sprintf(`count((tfirst_over_time(%s[48h]) > time() - 86400) and (last_over_time(%[1]s[48h]) < time() - 172800))`, started)},
		{"requests", counted(requests)},
		{"errors", counted(errors)},
		{"bytes", counted(bytes)},
		{"p95", `histogram_quantile(0.95, sum by (tenant, le) (sum_over_time(` + bucket + `[24h])))`},
		{"last_request", `max by (tenant) (max_over_time(` + lastRequest + `[24h]))`},
		{"logins", counted("app_logins_total" + app)},
		{"events", counted("app_events_total" + app)},
		{"storage", `max by (tenant) (max_over_time(` + SchemaBytes + `[24h]))`},
		{"rows", `max by (tenant) (last_over_time(` + Rows + `[24h]))`},
		{"connections", `max by (tenant) (max_over_time(` + Connections + `[24h]))`},
		// Without a sample of the day before, the increase is not known.
		{"rows_written", since(RowsWritten+"{", "48h", "") + ` - ` + since(RowsWritten+"{", "24h", " offset 24h")},
	}
}

// counted returns the increase of a counter during the last 24 hours, for each tenant. It is the
// difference of two increases that begin at the same time, 48 hours ago. So a gap of the store
// around midnight loses nothing, and no increment counts on two days. increase_pure takes a new
// series' first value as its increase, because a counter starts at 0.
func counted(selector string) string {
	all := since(selector, "48h", "")
	return all + ` - ` + since(selector, "24h", " offset 24h") + ` or ` + all
}

func since(selector, window, offset string) string {
	return fmt.Sprintf(`sum by (tenant) (increase_pure(%s}[%s]%s))`, selector, window, offset)
}
