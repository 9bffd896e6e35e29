package sizing

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
)

// unlimited is a budget that no plan exceeds.
const unlimited = budget.Cents(math.MaxInt64)

// advise says which changes of the settings give a plan within a limit. It tries, in this
// order: each setting alone, and all extras together. If neither helps it gives the price of
// the cheapest plan without extras, and names the amounts that make it as expensive as it is.
// It returns "" if there is no such plan.
func advise(s settings.Settings, derive derivation, limit budget.Cents) string {
	if single := singleChanges(s, derive, limit); len(single) > 0 {
		return "each of these changes alone gives a plan" + within(limit) + ":" + list(single)
	}
	minimal := s
	for _, e := range extras {
		e.off(&minimal)
	}
	p, err := solve(minimal, derive)
	if err != nil {
		return ""
	}
	if p.Bill.Total() <= limit {
		return fmt.Sprintf("no single change is enough. These changes together give a plan%s, of %s (%s):%s", within(limit),
			p.Bill.Total(), describe(p), list(neededTogether(s, derive, limit)))
	}
	works := func(less settings.Settings) bool {
		_, ok := planWithin(less, derive, limit)
		return ok
	}
	changes := []string{fmt.Sprintf("settings.budget.monthlyUsd: at least %s", strings.TrimPrefix(p.Bill.Total().String(), "$"))}
	for _, a := range amounts {
		if most, ok := a.atMost(minimal, works); ok {
			changes = append(changes, a.text(s, most))
		}
	}
	return fmt.Sprintf("nothing cheaper fits: the cheapest plan for this workload costs %s (%s). Each of these changes gives a plan%s:%s",
		p.Bill.Total(), describe(p), withoutExtras(s), list(changes))
}

// singleChanges returns the settings that alone give a plan within a limit, each with what to
// write and with that plan.
func singleChanges(s settings.Settings, derive derivation, limit budget.Cents) []string {
	var out []string
	var p Plan
	works := func(changed settings.Settings) bool {
		tried, ok := planWithin(changed, derive, limit)
		if ok {
			p = tried
		}
		return ok
	}
	add := func(change string) {
		out = append(out, fmt.Sprintf("%s, for %s (%s)", change, p.Bill.Total(), describe(p)))
	}
	for _, e := range extras {
		without := s
		if e.off(&without); e.on(s) && works(without) {
			add(e.path + ": " + e.write)
		}
	}
	for _, a := range amounts {
		if most, ok := a.atMost(s, works); ok {
			add(a.text(s, most))
		}
	}
	return out
}

// neededTogether returns the extras that a plan within a limit has to do without. It keeps
// those that users would miss most.
func neededTogether(s settings.Settings, derive derivation, limit budget.Cents) []string {
	off := slices.DeleteFunc(slices.Clone(extras), func(e extra) bool { return !e.on(s) })
	for i := len(off) - 1; i >= 0; i-- {
		fewer := slices.Delete(slices.Clone(off), i, i+1)
		without := s
		for _, e := range fewer {
			e.off(&without)
		}
		if _, ok := planWithin(without, derive, limit); ok {
			off = fewer
		}
	}
	var out []string
	for _, e := range off {
		out = append(out, e.path+": "+e.write)
	}
	return out
}

// withoutExtras continues "gives a plan" with the extras that it does without.
func withoutExtras(s settings.Settings) string {
	var paths []string
	for _, e := range extras {
		if e.on(s) {
			paths = append(paths, e.path)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	return " without " + strings.Join(paths, ", ")
}

// within continues "gives a plan" with the limit.
func within(limit budget.Cents) string {
	if limit == unlimited {
		return ", but over the budget"
	}
	return " within " + limit.String()
}

func list(items []string) string { return "\n  " + strings.Join(items, "\n  ") }

// planWithin returns the cheapest plan, and whether there is one within the limit.
func planWithin(s settings.Settings, derive derivation, limit budget.Cents) (Plan, bool) {
	p, err := solve(s, derive)
	return p, err == nil && p.Bill.Total() <= limit
}

func describe(p Plan) string {
	text := "existing cluster"
	if p.Nodes.Size != "" {
		text = nodesText(p.Nodes.Size, p.Nodes.Count)
	}
	if p.Database.Size != "" {
		text += fmt.Sprintf(", %d × %s", p.Database.Nodes, p.Database.Size)
	}
	return text
}

// addChanges adds to the error of settings without a plan the changes that give one: within the
// budget, or else at any price. An unknown size has its own fix.
func addChanges(s settings.Settings, derive derivation, err error) error {
	if isUnknownSize(err) {
		return err
	}
	for _, limit := range []budget.Cents{s.Budget.MonthlyUSD, unlimited} {
		if advice := advise(s, derive, limit); advice != "" {
			return fmt.Errorf("%w\n%s", err, advice)
		}
	}
	return err
}
