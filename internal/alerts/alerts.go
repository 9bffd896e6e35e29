// Package alerts has the rules that tell people when something breaks. vmalert evaluates
// them. Each rule has a section of its own name in docs/operations.md, the runbook.
package alerts

import (
	"slices"
	"strings"
	"time"
)

// Severity says how soon somebody must look at an alert.
type Severity string

// Page is for what users notice or will notice within the hour: look at it at once. Warning
// is for what can wait until the morning. None is for the heartbeat, which is not for people.
const (
	Page    Severity = "page"
	Warning Severity = "warning"
	None    Severity = "none"
)

// Rule is a condition that must not hold, in MetricsQL.
type Rule struct {
	// Name is the alert's name and the heading of its section in the runbook.
	Name     string
	Severity Severity
	// Expr returns a series for each thing that has the fault, and nothing otherwise.
	Expr string
	// For is how long Expr must return the series before the alert fires.
	For time.Duration
	// Summary is what people read. It may have the labels and the value of a series, in
	// vmalert's template language.
	Summary string
	// MutedBy are alerts that explain this one. While one of them fires, no message is sent for
	// this one.
	MutedBy []Cause
}

// Cause is an alert that explains another one.
type Cause struct {
	Name string
	// Labels must have the same values in both alerts.
	Labels []string
}

// Stack is what the rules must know of a stack.
type Stack struct {
	// AvailabilityPercent is the least share of requests without a server error, for example
	// 99.5.
	AvailabilityPercent float64
	// LatencyMillis is the time within which 95 % of the requests must be answered. It must
	// be one of settings.Latencies, because Traefik counts no others.
	LatencyMillis int
	// Nodes is the number of nodes on the bill. With 0 the nodes are not on the bill, and no
	// rule compares them.
	Nodes int
	// Costs are the bill. Without one no rule compares costs.
	Costs Costs
}

// Recording is a recording rule: vmalert stores the value of Expr as the metric Name, with these
// labels.
type Recording struct {
	Name, Expr string
	Labels     map[string]string
}

// Group is a list of rules that vmalert evaluates together.
type Group struct {
	Name  string
	Rules []Rule
}

// Groups returns all alerts of a stack, always in the same order.
func Groups(s Stack) []Group {
	return []Group{
		{"app", s.app()},
		{"certificates", certificates()},
		{"nodes", s.nodes()},
		{"containers", containers()},
		{"database", database()},
		{"tenants", tenants()},
		{"monitoring", monitoring()},
		{"costs", slices.Concat(s.Costs.alerts(), s.Costs.traffic())},
	}
}

// Rules returns the alerts of all groups.
func Rules(s Stack) []Rule {
	var out []Rule
	for _, g := range Groups(s) {
		out = append(out, g.Rules...)
	}
	return out
}

// Runbook returns the address of the rule's section in the runbook.
func (r Rule) Runbook() string { return runbooks + strings.ToLower(r.Name) }

const runbooks = "https://github.com/genericcorp/platform/blob/main/docs/operations.md#"
