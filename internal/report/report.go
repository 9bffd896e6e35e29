// Package report is the plan as reviewers read it: every stack's bill, sizes,
// fit, limits and room to grow, as text, JSON or Markdown.
package report

import (
	"errors"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// Report is the plan of several stacks. Its JSON is documented in docs/plan.md
// and stable.
type Report struct {
	Stacks []Stack `json:"stacks"`
	// TotalCents is what all of them cost in a month.
	TotalCents budget.Cents `json:"totalCents"`
	// Removed are stacks whose file the other revision had.
	Removed []string `json:"removed,omitempty"`
}

// Stack is the plan of one.
type Stack struct {
	Name         string       `json:"name"`
	MonthlyCents budget.Cents `json:"monthlyCents"`
	LimitCents   budget.Cents `json:"limitCents"`
	// OK says that it fits, and costs no more than its limit.
	OK bool `json:"ok"`
	// Problem says why it is not OK.
	Problem  string   `json:"problem,omitempty"`
	Lines    []Line   `json:"lines"`
	Nodes    Nodes    `json:"nodes"`
	Database Database `json:"database"`
	// Why says how the sizes came about.
	Why       []string     `json:"why"`
	Fit       []Scenario   `json:"fit"`
	Bounds    []Bound      `json:"limits"`
	Headroom  *Headroom    `json:"capacity,omitempty"`
	Economics []PricePoint `json:"economics"`
	// Tenants counts the active ones, who pay; TenantList has all.
	Tenants    int      `json:"tenants"`
	TenantList []Tenant `json:"tenantList"`
	// Base compares with another revision; absent when none was asked for.
	Base *Comparison `json:"base,omitempty"`

	settings settings.Settings
	bill     budget.Bill
}

// Line is a line of the bill.
type Line struct {
	Item         string       `json:"item"`
	SKU          string       `json:"sku"`
	Quantity     int          `json:"quantity"`
	UnitCents    budget.Cents `json:"unitCents"`
	MonthlyCents budget.Cents `json:"monthlyCents"`
	Source       string       `json:"source"`
	AsOf         string       `json:"asOf"`
}

// Nodes and Database are sizes; an empty size is not ours.
type Nodes struct {
	Size  string `json:"size"`
	Count int    `json:"count"`
}

// Database counts the standby node too.
type Database struct {
	Size  string `json:"size"`
	Nodes int    `json:"nodes"`
}

// Scenario is a state of the cluster in which all of it fits.
type Scenario struct {
	Name          string `json:"name"`
	RequestedMiB  int    `json:"requestedMiB"`
	DocumentedMiB int    `json:"documentedMiB"`
	Nodes         []Node `json:"nodes"`
}

// Node is the headroom of one node.
type Node struct {
	Pods         int `json:"pods"`
	FreeMilliCPU int `json:"freeMilliCPU"`
	FreeMiB      int `json:"freeMiB"`
}

// Bound is a quota that a bigger budget does not raise.
type Bound struct {
	Name string `json:"name"`
	Used int    `json:"used"`
	Most int    `json:"most"`
	Why  string `json:"why"`
}

// Headroom is what more fits on these sizes.
type Headroom struct {
	Tenants  Room `json:"tenants"`
	Replicas Room `json:"replicas"`
}

// Room says how many more fit, what breaks then and what the step after costs.
type Room struct {
	More      int          `json:"more"`
	BreaksOn  string       `json:"breaksOn"`
	StepCents budget.Cents `json:"stepCents"`
	Next      string       `json:"next"`
}

// PricePoint is what a stack earns at one price.
type PricePoint struct {
	PriceCents budget.Cents `json:"priceCents"`
	// CostPerTenantCents is the infrastructure shared by the tenants that are there,
	// at least one, and FullCents by as many as fit.
	CostPerTenantCents     budget.Cents `json:"costPerTenantCents"`
	FullCostPerTenantCents budget.Cents `json:"fullCostPerTenantCents"`
	MarginCents            budget.Cents `json:"marginCents"`
	FullMarginCents        budget.Cents `json:"fullMarginCents"`
	// BreakEvenTenants pay for the infrastructure and the fixed costs.
	BreakEvenTenants int `json:"breakEvenTenants"`
}

// PlanStack plans one stack from the text of its file. The error is settings.Faults. If
// the plan does not fit or is over its budget, the Stack is not OK and has a Problem.
func PlanStack(name string, stackFile []byte) (Stack, error) {
	s, err := settings.LoadStackFile(stackFile)
	if err != nil {
		return Stack{}, err
	}
	plan, err := sizing.Solve(s)
	out := Stack{
		Name: name, LimitCents: s.Budget.MonthlyUSD, OK: err == nil, Tenants: s.ActiveTenants(), TenantList: tenantsOf(s), settings: s,
		Lines: []Line{}, Why: []string{}, Fit: []Scenario{}, Bounds: []Bound{}, Economics: []PricePoint{},
	}
	over := &budget.OverError{}
	switch {
	case errors.As(err, &over):
		out.Problem = over.Summary()
	case err != nil:
		out.Problem = err.Error()
		return out, nil
	}
	out.fill(s, plan)
	return out, nil
}

// New sums stacks up.
func New(stacks []Stack) Report {
	r := Report{Stacks: stacks}
	for _, s := range stacks {
		r.TotalCents += s.MonthlyCents
	}
	return r
}

// OK reports whether every stack fits, and no update would refuse its tenants.
func (r Report) OK() bool {
	for _, s := range r.Stacks {
		if !s.accepted() {
			return false
		}
	}
	return true
}

func (s Stack) accepted() bool { return s.OK && (s.Base == nil || len(s.Base.Refused) == 0) }
