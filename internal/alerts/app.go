package alerts

import (
	"fmt"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/workload"
)

// served selects the requests from the Internet.
const served = `entrypoint="websecure"`

// app returns the rules about what users notice.
func (s Stack) app() []Rule {
	// Every request needs these three.
	needed := strings.Join([]string{workload.App.Namespace, workload.Traefik.Namespace, workload.Pooler.Namespace}, "|")
	return append([]Rule{
		{
			Name: "AppDown", Severity: Page, For: 2 * time.Minute,
			Expr:    fmt.Sprintf(`max by (namespace, deployment) (kube_deployment_status_replicas_available{namespace=~%q}) == 0`, needed),
			Summary: "{{ $labels.deployment }} has no ready Pod. Users get errors.",
		},
		{
			Name: "DeploymentNotReady", Severity: Warning, For: 15 * time.Minute,
			Expr: `max by (namespace, deployment) (kube_deployment_spec_replicas) - ` +
				`max by (namespace, deployment) (kube_deployment_status_replicas_available) > 0`,
			Summary: "{{ $labels.namespace }}/{{ $labels.deployment }} has Pods that are not ready for 15 minutes: {{ $value }}.",
			MutedBy: []Cause{{"AppDown", []string{"namespace", "deployment"}}, {Name: "NodesMissing"}},
		},
	}, s.budgets(traefik)...)
}

// budgets returns the rules about the two objectives of a stack.
func (s Stack) budgets(of source) []Rule {
	availability, latency := s.availability(of), s.latency(of)
	down := Cause{Name: "AppDown"}
	return []Rule{
		{
			Name: "ErrorBudgetBurnFast", Severity: Page, For: 2 * time.Minute, Expr: availability.fast(),
			Summary: fmt.Sprintf("{{ $value | humanizePercentage }} of the requests fail. The objective is at most %s.", percent(availability.budget)),
			MutedBy: []Cause{down},
		},
		{
			Name: "ErrorBudgetBurnSlow", Severity: Warning, For: time.Hour, Expr: availability.slow(),
			Summary: fmt.Sprintf("{{ $value | humanizePercentage }} of the requests of three days failed. The objective is at most %s.", percent(availability.budget)),
			MutedBy: []Cause{down, {Name: "ErrorBudgetBurnFast"}},
		},
		{
			Name: "LatencyBudgetBurnFast", Severity: Page, For: 2 * time.Minute, Expr: latency.fast(),
			Summary: fmt.Sprintf("{{ $value | humanizePercentage }} of the requests take more than %d ms. The objective is at most 5%%.", s.LatencyMillis),
			MutedBy: []Cause{down, {Name: "ErrorBudgetBurnFast"}},
		},
		{
			Name: "LatencyBudgetBurnSlow", Severity: Warning, For: time.Hour, Expr: latency.slow(),
			Summary: fmt.Sprintf("{{ $value | humanizePercentage }} of the requests of three days took more than %d ms. The objective is at most 5%%.", s.LatencyMillis),
			MutedBy: []Cause{down, {Name: "LatencyBudgetBurnFast"}},
		},
	}
}

// objective is a share of requests that may be bad.
type objective struct {
	budget float64
	// bad and all are numbers of requests in a window; %[1]s is its length.
	bad, all string
}

// source names the metrics that count requests, and the labels of those that matter.
type source struct {
	requests, durations string
	counted, timed      string
}

// traefik counts the requests of all tenants. The time leaves out live streams and web sockets, which
// stay open for minutes.
var traefik = source{
	requests: "traefik_entrypoint_requests_total", durations: "traefik_entrypoint_request_duration_seconds",
	counted: served, timed: served + `,protocol="http"`,
}

func (s Stack) availability(of source) objective {
	return objective{
		budget: (100 - s.AvailabilityPercent) / 100,
		bad:    `sum(increase(` + of.requests + `{` + of.counted + `,code=~"5.."}[%[1]s]))`,
		all:    `sum(increase(` + of.requests + `{` + of.counted + `}[%[1]s]))`,
	}
}

func (s Stack) latency(of source) objective {
	all := `sum(increase(` + of.durations + `_count{` + of.timed + `}[%[1]s]))`
	return objective{
		budget: 0.05,
		bad: fmt.Sprintf(`(%s - sum(increase(%s_bucket{%s,le="%s"}[%%[1]s])))`,
			all, of.durations, of.timed, number(float64(s.LatencyMillis)/1000)),
		all: all,
	}
}

// fast returns when the budget of 30 days would be gone in two days (14.4 times the allowed
// share) or in five (6 times). slow is for a budget that just does not last. The factors and
// the windows are those of the Site Reliability Workbook, chapter 5. The short window lets an
// alert end soon after the fault.
func (o objective) fast() string { return o.burns(14.4, "1h", "5m") + " or " + o.burns(6, "6h", "30m") }
func (o objective) slow() string { return o.burns(1, "3d", "6h") }

// fewest is the number of bad requests that a window must have. Below it, one unlucky user at
// night would wake somebody up.
const fewest = 10

func (o objective) burns(factor float64, long, short string) string {
	limit := number(factor * o.budget)
	ratio := func(window string) string { return fmt.Sprintf(o.bad+" / "+o.all, window) }
	return fmt.Sprintf("(%s > %s and %s > %s and %s > %d)", ratio(long), limit, ratio(short), limit, fmt.Sprintf(o.bad, long), fewest)
}

// percent returns a share such as 0.005 as "0.5%".
func percent(share float64) string { return number(share*100) + "%" }

// number returns a decimal number with at most 6 digits after the point, without zeros at its
// end.
func number(x float64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.6f", x), "0"), ".")
}
