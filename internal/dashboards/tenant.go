package dashboards

import (
	"fmt"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/usage"
)

// tenant is for a question of one customer: what do they use, does it work for them, and does
// their tier suffice.
func tenant(s alerts.Stack) dashboard {
	const (
		of        = `tenant="$tenant"`
		requests  = `traefik_router_requests_total{` + of
		durations = `traefik_router_request_duration_seconds_bucket{` + of + `,protocol="http"}`
		used      = usage.SchemaBytes + `{` + of + `}`
		allowed   = usage.SchemaLimitBytes + `{` + of + `}`
	)
	limit := float64(s.LatencyMillis) / 1000
	counted := func(expr string) string { return `sum(increase(` + expr + `}[$__range])) or vector(0)` }
	return dashboard{
		uid: "tenant", title: "Tenant", from: "now-24h", byTenant: true, question: "What does this tenant use, does it work, and does its plan suffice?",
		panels: []panel{
			number("Requests", count, counted(requests)).
				describe("With those that the rate limit refused.").read("How usage is counted", "usage.md"),
			number("Errors", count, counted(requests+`,code=~"5.."`)).
				describe("Answers with a status of 500 and more.").warnAbove(1, 10).alert("ErrorBudgetBurnFast"),
			number("95 % are answered within", seconds, quantile(0.95, `increase(`+durations+`[$__range])`)).
				describe(fmt.Sprintf("Without live streams. The objective of the stack is %v s.", limit)).warnAbove(limit, 2*limit).alert("LatencyBudgetBurnFast"),
			number("Refused by the rate limit", count, counted(requests+`,code="429"`)).
				describe("Requests above the plan's requests a second. A larger plan allows more.").warnAbove(1, 100).read("Plans of tenants", "tenancy.md#what-one-tenant-can-use-up"),
			number("Storage that is used", share, `max(`+used+`) / max(`+allowed+`)`).
				describe("Tables and indexes, as a share of the plan's limit. Above it the tenant's writes are suspended.").warnAbove(0.8, 1).upTo(1).alert("TenantOverTier"),
			number("Time since the last request", seconds, `time() - max(last_over_time(tenant:last_request:timestamp_seconds{`+of+`}[$__range]))`).
				describe("At most five minutes too late.").read("How usage is counted", "usage.md"),
			lines("Requests a second by status", perSecond, query{`sum by (code) (rate(` + requests + `}[$__rate_interval]))`, "{{code}}"}).
				describe("503 is the answer for a suspended tenant, 429 for one that is over its rate limit.").alert("ErrorBudgetBurnFast"),
			lines("Time to answer", seconds,
				query{quantile(0.5, `rate(`+durations+`[$__rate_interval])`), "50 %"},
				query{quantile(0.95, `rate(`+durations+`[$__rate_interval])`), "95 %"}).
				describe("The time within which that share of the requests was answered.").alert("LatencyBudgetBurnFast"),
			lines("Bytes sent a second", bytesRate, query{`tenant:sent_bytes:rate5m{` + of + `}`, "sent"}).
				describe("Bodies of answers.").read("How usage is counted", "usage.md"),
			lines("Storage against the plan", bytes, query{`max(` + used + `)`, "used"}, query{`max(` + allowed + `)`, "limit of the plan"}).
				describe("Tables and indexes. It is measured once an hour.").alert("UsageMissing"),
			lines("Database connections and rows written", count,
				query{`max(` + usage.Connections + `{` + of + `})`, "connections"},
				query{`sum(increase(` + usage.RowsWritten + `{` + of + `}[2h]))`, "rows written in two hours"}).
				describe("Both are measured once an hour. Rows are an estimate.").alert("DatabaseConnectionsUsedUp"),
			bars("Sign-ins and events", count, `sum by (event) (increase(app_events_total{`+of+`}[$__range])) or label_set(sum(increase(app_logins_total{`+of+`}[$__range])), "event", "sign-in")`, "{{event}}").
				describe("From the app's counters app_logins_total and app_events_total.").read("How usage is counted", "usage.md"),
		},
	}
}
