// Package report prints the plans of stacks as text, JSON or Markdown: bill, sizes, fit,
// limits, headroom, and the differences to another git revision. It reads stack files only
// and does not use the network.
package report

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// Report has the plans of several stacks. docs/plan.md documents its JSON. The JSON is
// stable: scripts read it, so keys stay when a field gets another name.
type Report struct {
	Stacks []Stack `json:"stacks"`
	// TotalCents is the sum of all stacks per month.
	TotalCents budget.Cents `json:"totalCents"`
	// OldPrices names the prices on the bills that have to be read again.
	OldPrices []string `json:"oldPrices,omitempty"`
	// Removed are the stacks whose file the other revision has and the folder lacks.
	Removed []string `json:"removed,omitempty"`
}

// Stack is the plan of one stack.
type Stack struct {
	Name string `json:"name"`
	// MonthlyCents is the total of the bill. LimitCents is settings.budget.monthlyUsd.
	MonthlyCents budget.Cents `json:"monthlyCents"`
	LimitCents   budget.Cents `json:"limitCents"`
	// OK is true if the workload fits and the bill is within the limit.
	OK bool `json:"ok"`
	// Problem says why OK is false, and what to change.
	Problem  string   `json:"problem,omitempty"`
	Lines    []Line   `json:"lines"`
	Nodes    Nodes    `json:"nodes"`
	Database Database `json:"database"`
	// Running is true if the plan knows what the last update has made, which never shrinks.
	Running bool `json:"running"`
	// Why has a sentence for each size that says why it was chosen.
	Why    []string   `json:"why"`
	Fit    []Scenario `json:"fit"`
	Bounds []Bound    `json:"limits"`
	// Headroom is absent when the workload does not fit.
	Headroom  *Headroom    `json:"capacity,omitempty"`
	Economics []PricePoint `json:"economics"`
	// Tenants is the number of active tenants: those who pay. TenantList has all.
	Tenants    int      `json:"tenants"`
	TenantList []Tenant `json:"tenantList"`
	// Alerts says who is told when something breaks.
	Alerts string `json:"alerts"`
	// Base is the comparison with another revision. It is absent without -base.
	Base *Comparison `json:"base,omitempty"`

	settings settings.Settings
	bill     budget.Bill
}

// Line is a budget.Line.
type Line struct {
	Item         string       `json:"item"`
	SKU          string       `json:"sku"`
	Quantity     int          `json:"quantity"`
	UnitCents    budget.Cents `json:"unitCents"`
	MonthlyCents budget.Cents `json:"monthlyCents"`
	Source       string       `json:"source"`
	AsOf         string       `json:"asOf"`
	Confidence   string       `json:"confidence"`
}

// Nodes is the pool of nodes. Its size is empty for an existing cluster.
type Nodes struct {
	Size  string `json:"size"`
	Count int    `json:"count"`
}

// Database is the managed database. Its size is empty for an external database.
type Database struct {
	Size string `json:"size"`
	// Nodes is the number of nodes, the standby node included.
	Nodes int `json:"nodes"`
}

// Scenario is a sizing.Scenario: the placement of all Pods in one situation.
type Scenario struct {
	Name          string `json:"name"`
	RequestedMiB  int    `json:"requestedMiB"`
	DocumentedMiB int    `json:"documentedMiB"`
	Nodes         []Node `json:"nodes"`
}

// Node is what is left on one node.
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

// Headroom says how many more tenants or replicas fit on the sizes.
type Headroom struct {
	Tenants  Room `json:"tenants"`
	Replicas Room `json:"replicas"`
}

// Room is a sizing.Room.
type Room struct {
	More      int          `json:"more"`
	BreaksOn  string       `json:"breaksOn"`
	StepCents budget.Cents `json:"stepCents"`
	Next      string       `json:"next"`
}

// PricePoint has the cost and the margin per tenant for one price. All amounts are per
// month.
type PricePoint struct {
	// PriceCents is one of settings.pricing.tenantUsd.
	PriceCents budget.Cents `json:"priceCents"`
	// CostPerTenantCents is the bill divided by the active tenants; 0 without tenants.
	// FullCostPerTenantCents is the bill divided by as many tenants as fit. Both are
	// rounded up.
	CostPerTenantCents     budget.Cents `json:"costPerTenantCents"`
	FullCostPerTenantCents budget.Cents `json:"fullCostPerTenantCents"`
	// MarginCents and FullMarginCents are the price less these costs. The percentages are of
	// the price, rounded down. Without tenants MarginCents and MarginPercent are 0.
	MarginCents       budget.Cents `json:"marginCents"`
	MarginPercent     int          `json:"marginPercent"`
	FullMarginCents   budget.Cents `json:"fullMarginCents"`
	FullMarginPercent int          `json:"fullMarginPercent"`
	// BreakEvenTenants is the least number of tenants that pay for their infrastructure and
	// for settings.pricing.fixedUsd. BreakEvenBillCents is the bill of that infrastructure.
	// The margin is the price less a tenant's share of it.
	BreakEvenTenants       int          `json:"breakEvenTenants"`
	BreakEvenBillCents     budget.Cents `json:"breakEvenBillCents"`
	BreakEvenMarginCents   budget.Cents `json:"breakEvenMarginCents"`
	BreakEvenMarginPercent int          `json:"breakEvenMarginPercent"`
	// BreakEvenFits is true if that bill is within the budget. BreakEvenProblem says why there
	// is no plan for so many tenants; it is empty if there is one.
	BreakEvenFits    bool   `json:"breakEvenFits"`
	BreakEvenProblem string `json:"breakEvenProblem,omitempty"`
}

// PlanStack plans one stack from the text of its stack file. running is what the last update
// has made; nil if that is not known. The error is settings.Faults. A workload that does not
// fit, a bill over the budget, or something that would have to shrink is no error: then OK is
// false and Problem says why.
func PlanStack(name string, stackFile []byte, running *lifecycle.Sizes) (Stack, error) {
	s, err := settings.LoadStackFile(stackFile)
	if err != nil {
		return Stack{}, err
	}
	var refused error
	if running != nil {
		s, refused = running.Next(s)
	}
	plan, err := sizing.Solve(s)
	out := Stack{
		Name: name, LimitCents: s.Budget.MonthlyUSD, OK: err == nil && refused == nil, Running: running != nil, Tenants: s.ActiveTenants(), TenantList: tenantsOf(s), Alerts: receivers(s.Alerts), settings: s,
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
	if refused != nil {
		out.Problem = strings.TrimSpace(refused.Error() + "\n" + out.Problem)
	}
	out.fill(s, plan)
	return out, nil
}

// New returns a report of stacks with their total. Prices are old or not at the time now.
func New(stacks []Stack, now time.Time) Report {
	r := Report{Stacks: stacks}
	for _, s := range stacks {
		r.TotalCents += s.MonthlyCents
		for _, l := range s.Lines {
			if text := l.SKU + " of " + l.AsOf; catalog.IsOld(l.AsOf, now) && !slices.Contains(r.OldPrices, text) {
				r.OldPrices = append(r.OldPrices, text)
			}
		}
	}
	return r
}

// OK reports whether every stack is OK and no update would refuse a change.
func (r Report) OK() bool {
	for _, s := range r.Stacks {
		if !s.accepted() {
			return false
		}
	}
	return true
}

func (s Stack) accepted() bool {
	return s.OK && (s.Base == nil || len(s.Base.Refused) == 0 && s.Base.Refusal == "")
}

// Sizes returns what an update with this plan makes that never shrinks.
func (s Stack) Sizes() lifecycle.Sizes { return lifecycle.SizesOf(s.settings, s.Database.Size) }
