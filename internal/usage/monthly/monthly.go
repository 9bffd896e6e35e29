// Package monthly makes the report of a month: what each tenant used, its share of the stack's
// cost, its revenue and its margin. docs/usage.md explains the figures.
package monthly

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/usage"
)

// Usage is what a tenant used in a month. A field is nil if it was not measured.
type Usage struct {
	// Tenant is a tenant's name, or usage.Purged.
	Tenant string
	// Bytes and Storage are in bytes. Storage is the mean of the days.
	Requests, Errors, Bytes, Rows, Storage, Logins, ActiveDays *int64
	// P95 is in seconds.
	P95 *float64
}

// Data is what the database has of a month.
type Data struct {
	// Counted is the number of days of the month that are written. Requests were measured on
	// Measured of them.
	Counted, Measured int
	Tenants           []Usage
}

// Stack is what the report needs to know of a stack, as it is declared today.
type Stack struct {
	Name string
	// Bill is what the stack costs a month, without settings.Pricing.FixedUSD.
	Bill     budget.Cents
	TierUSD  map[string]budget.Cents
	Declared []settings.Tenant
}

// Line is a tenant's line of a report.
type Line struct {
	Usage
	// Tier is empty if the stack file has no entry for the tenant.
	Tier string
	// Cost is the tenant's share of the bill.
	Cost budget.Cents
	// Revenue is nil if it is unknown. Then Unknown is the reason.
	Revenue *budget.Cents
	Unknown string
}

// Report is the report of a month.
type Report struct {
	Stack Stack
	// Month is the month's first day. Over is false if the month has not ended.
	Month             time.Time
	Over              bool
	Counted, Measured int
	// Lines are sorted by tenant. The costs add up to the bill exactly.
	Lines []Line
	// Missing are the active tenants of the stack file that have no line.
	Missing []string
}

// New makes a report. now says whether the month is over.
func New(stack Stack, month, now time.Time, data Data) Report {
	r := Report{Stack: stack, Month: month, Over: !now.Before(month.AddDate(0, 1, 0)), Counted: data.Counted, Measured: data.Measured}
	slices.SortFunc(data.Tenants, func(a, b Usage) int { return cmp.Compare(a.Tenant, b.Tenant) })
	costs := shares(stack.Bill, data.Tenants)
	seen := map[string]bool{}
	for i, used := range data.Tenants {
		seen[used.Tenant] = true
		line := Line{Usage: used, Cost: costs[i]}
		line.price(stack)
		r.Lines = append(r.Lines, line)
	}
	for _, t := range stack.Declared {
		if t.State == settings.Active && !seen[t.Name] {
			r.Missing = append(r.Missing, t.Name)
		}
	}
	slices.Sort(r.Missing)
	return r
}

// price sets the tier and the revenue.
func (l *Line) price(stack Stack) {
	i := slices.IndexFunc(stack.Declared, func(t settings.Tenant) bool { return t.Name == l.Tenant })
	switch {
	case l.Tenant == usage.Purged:
		l.Unknown = "purged"
		return
	case i < 0:
		l.Unknown = "the stack file has no entry for it"
		return
	}
	tenant := stack.Declared[i]
	l.Tier = tenant.Plan
	price, ok := stack.TierUSD[tenant.Plan]
	switch {
	case tenant.State != settings.Active:
		l.Unknown = "its state is " + tenant.State
	case !ok:
		l.Unknown = fmt.Sprintf("settings.pricing.tierUsd has no price for %s", tenant.Plan)
	default:
		l.Revenue = &price
	}
}

// Margin returns the revenue without the cost, or nil if the revenue is unknown.
func (l Line) Margin() *budget.Cents {
	if l.Revenue == nil {
		return nil
	}
	margin := *l.Revenue - l.Cost
	return &margin
}

// MarginPercent returns the margin in percent of the revenue, or nil if there is none.
func (l Line) MarginPercent() *float64 {
	margin := l.Margin()
	if margin == nil || *l.Revenue == 0 {
		return nil
	}
	percent := float64(*margin) / float64(*l.Revenue) * 100
	return &percent
}

// Total returns the sums of all lines. Its revenue leaves out unknown ones. It is nil if all are
// unknown.
func (r Report) Total() Line {
	total := Line{Usage: Usage{Tenant: "TOTAL"}}
	for _, l := range r.Lines {
		total.Requests, total.Errors, total.Bytes = add(total.Requests, l.Requests), add(total.Errors, l.Errors), add(total.Bytes, l.Bytes)
		total.Rows, total.Storage, total.Logins = add(total.Rows, l.Rows), add(total.Storage, l.Storage), add(total.Logins, l.Logins)
		total.Cost += l.Cost
		total.Revenue = add(total.Revenue, l.Revenue)
	}
	return total
}

// add returns the sum of the values that are known, or nil if none is.
func add[T int64 | budget.Cents](a, b *T) *T {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	sum := *a + *b
	return &sum
}

// Notes returns what a reader must know of the figures, a sentence each.
func (r Report) Notes() []string {
	days := r.Month.AddDate(0, 1, -1).Day()
	out := []string{fmt.Sprintf("%d of %d days are counted%s.", r.Counted, days, map[bool]string{false: ", and the month is not over"}[r.Over])}
	if lost := r.Counted - r.Measured; lost > 0 {
		out = append(out, fmt.Sprintf("Requests were not measured on %d of these days.", lost))
	}
	out = append(out, fmt.Sprintf("COST is a share of the bill of a whole month, %s, as the stack file plans it today.", r.Stack.Bill))
	reasons := map[string]int{}
	for _, l := range r.Lines {
		if l.Unknown != "" {
			reasons[l.Unknown]++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		out = append(out, fmt.Sprintf("The revenue of %s is unknown, and not in the total: %s.", counted(reasons[reason], "line"), reason))
	}
	if len(r.Missing) > 0 {
		out = append(out, fmt.Sprintf("%s of the stack file %s no line, because no day is counted: %s.", counted(len(r.Missing), "active tenant"),
			map[bool]string{true: "has", false: "have"}[len(r.Missing) == 1], listed(r.Missing)))
	}
	return out
}

// mostListed is the most names in a note.
const mostListed = 5

func listed(names []string) string {
	if len(names) > mostListed {
		return strings.Join(names[:mostListed], ", ") + fmt.Sprintf(" and %d more", len(names)-mostListed)
	}
	return strings.Join(names, ", ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
