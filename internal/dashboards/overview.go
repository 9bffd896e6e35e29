package dashboards

import (
	"fmt"

	"github.com/genericcorp/platform/internal/alerts"
)

// Selectors and sums that several pages use. firing leaves out the alert that always fires.
const (
	served  = `entrypoint="websecure"`
	firing  = `ALERTS{alertstate="firing",alertname!="` + alerts.Heartbeat + `"}`
	bill    = `sum(` + alerts.BillDollars + `)`
	missing = `sum(max by (namespace, deployment) (kube_deployment_spec_replicas))` +
		` - sum(max by (namespace, deployment) (kube_deployment_status_replicas_available))`
	requests  = `traefik_router_requests_total{tenant!=""`
	durations = `traefik_entrypoint_request_duration_seconds_bucket{` + served + `,protocol="http"}`
)

// overview is for everybody: is the platform up, is it fast, who uses it, what does it cost.
func overview(s alerts.Stack) dashboard {
	objective, limit := s.AvailabilityPercent/100, float64(s.LatencyMillis)/1000
	return dashboard{
		uid: "overview", title: "Overview", from: "now-24h", question: "Is it up, is it fast, who uses it, and what does it cost?",
		panels: []panel{
			number("Requests without an error", share, `1 - (sum(increase(traefik_entrypoint_requests_total{`+served+`,code=~"5.."}[$__range])) or vector(0))`+
				` / sum(increase(traefik_entrypoint_requests_total{`+served+`}[$__range]))`).
				describe(fmt.Sprintf("The share of requests that were not answered with a status of 500 or more. The objective is %v %%.", s.AvailabilityPercent)).
				warnBelow(objective, objective-0.005).alert("ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"),
			number("95 % are answered within", seconds, quantile(0.95, `increase(`+durations+`[$__range])`)).
				describe(fmt.Sprintf("An estimate from Traefik's buckets, without live streams. The objective is %v s.", limit)).
				warnAbove(limit, 2*limit).alert("LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"),
			number("Pods that are missing", count, missing).
				describe("Pods of Deployments that should be ready and are not.").
				warnAbove(1, 2).alert("AppDown", "DeploymentNotReady"),
			number("Alerts that fire", count, `count(`+firing+`) or vector(0)`).
				describe("The graphs mark the time of each alert. The runbook says what to do.").
				warnAbove(1, 1).read("The runbook", "operations.md#alerts"),
			number("Tenants that are active", count, `count(sum by (tenant) (increase(`+requests+`}[$__range])) > 0) or vector(0)`).
				describe("Tenants with a request in the time that is shown.").read("How usage is counted", "usage.md"),
			number("Bill a month", dollars, bill+` or vector(0)`).
				describe("What the plan costs. The dashboard Money has its lines.").read("The plan", "plan.md"),
			lines("Requests a second", perSecond,
				query{`sum(rate(traefik_entrypoint_requests_total{` + served + `}[$__rate_interval]))`, "all"},
				query{`sum(rate(traefik_entrypoint_requests_total{` + served + `,code=~"5.."}[$__rate_interval])) or vector(0)`, "errors (500 and more)"},
				query{`sum(rate(traefik_entrypoint_requests_total{` + served + `,code="429"}[$__rate_interval])) or vector(0)`, "refused by a rate limit (429)"}).
				describe("All hosts together.").alert("ErrorBudgetBurnFast"),
			lines("Time to answer", seconds,
				query{quantile(0.5, `rate(`+durations+`[$__rate_interval])`), "50 %"},
				query{quantile(0.95, `rate(`+durations+`[$__rate_interval])`), "95 %"},
				query{fmt.Sprintf("vector(%v)", limit), "objective for 95 %"}).
				describe("The time within which that share of the requests was answered.").alert("LatencyBudgetBurnFast"),
			lines("Errors a second by tenant", perSecond, query{`topk_max(5, tenant:errors:rate5m)`, "{{tenant}}"}).
				describe("The five tenants with the most errors (500 and more).").alert("ErrorBudgetBurnFast"),
			bars("Requests by tenant", count, `topk(10, sum by (tenant) (increase(`+requests+`}[$__range])))`, "{{tenant}}").
				describe("The ten busiest tenants in the time that is shown.").read("How usage is counted", "usage.md"),
			bars("Sign-ins by tenant", count, `topk(10, sum by (tenant) (increase(app_logins_total{tenant!=""}[$__range])))`, "{{tenant}}").
				describe("From the app's counter app_logins_total.").read("How usage is counted", "usage.md"),
			bars("Time since the last request", seconds, `bottomk(10, time() - max by (tenant) (last_over_time(tenant:last_request:timestamp_seconds[$__range])))`, "{{tenant}}").
				describe("The ten tenants that were active last, at most five minutes too late.").read("How usage is counted", "usage.md"),
		},
	}
}

// quantile returns the value that a share of the observations of a histogram is below.
func quantile(share float64, buckets string) string {
	return fmt.Sprintf(`histogram_quantile(%v, sum by (le) (%s))`, share, buckets)
}
