package alerts

import "time"

// own are AgentHQ's metrics. They leave out live streams in the times. "none" is the route of the
// healthcheck and of the scrapes.
var own = source{
	requests: "http_requests_total", durations: "http_request_duration_seconds",
	counted: `job="agenthq",route!="none"`, timed: `job="agenthq",route!="none"`,
}

// OnServer returns the rules for AgentHQ on a server of one's own as a file for vmalert. There is
// no Kubernetes and no Traefik, so the figures are those of AgentHQ's own metrics.
func OnServer() string {
	return fileOf(onServer(), func(Rule) string {
		return "https://github.com/genericcorp/platform/blob/main/selfhosted/README.md#metrics-and-alerts"
	}).text()
}

func onServer() []Group {
	// The defaults of a stack file.
	s := Stack{AvailabilityPercent: 99.5, LatencyMillis: 1000}
	return []Group{
		{"app", append([]Rule{{
			Name: "AppDown", Severity: Page, For: 2 * time.Minute,
			Expr:    `max by (job) (up{job="agenthq"}) == 0`,
			Summary: "AgentHQ does not answer. Users get errors.",
		}}, s.budgets(own)...)},
		{"monitoring", []Rule{volumeFull()}},
	}
}
