package onboarding

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// Deployed is what the last update of a stack left: its outputs tenantHistory and sizes. Both are
// empty before the first update, or if they were not read.
type Deployed struct {
	History lifecycle.History
	Sizes   lifecycle.Sizes
}

// CheckName returns an error if a new tenant cannot have this name in the stack. The error says
// what to do.
func CheckName(s settings.Settings, t settings.Tenant, last Deployed) error {
	if err := names.Tenant(t.Name); err != nil {
		return err
	}
	for _, other := range s.Tenants {
		switch {
		case other.Name == t.Name && other.State == settings.Purged:
			return fmt.Errorf("%q was purged, and its entry is in the stack file. Choose another name; or write state: active and restore: true into the entry to have that customer back, or fresh: true for a new one", t.Name)
		case other.Name == t.Name:
			return fmt.Errorf("there is a tenant %q already (%s, %s); choose another name, or change its entry", t.Name, other.Plan, other.State)
		case other.RenamedFrom == t.Name:
			return fmt.Errorf("%q was the name of %q until it was renamed; choose another name, or take renamedFrom out of that entry first, after the update that renamed it", t.Name, other.Name)
		case router(other.Name) == router(t.Name):
			return fmt.Errorf("%q differs from %q only in the number of hyphens, and the usage of neither would be counted; choose another name", t.Name, other.Name)
		}
	}
	switch was, known := last.History[t.Name]; {
	case !known || was.State == lifecycle.Renamed:
		return nil
	case was.State == settings.Purged:
		return fmt.Errorf("%q was the name of a tenant that was purged, and its archive is still there. Choose another name; or write the entry yourself, with restore: true to have that customer back, or fresh: true for a new one", t.Name)
	default:
		return fmt.Errorf("%q is the name of a tenant whose entry was deleted. Its data is still there (%s), and the new customer would see it. Choose another name; to have that customer back, write the entry yourself", t.Name, was.State)
	}
}

// router returns what two names must not have in common: Traefik writes one hyphen for several
// (routes.TenantRouters).
func router(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == '-' }), "-")
}

// CheckTier returns an error that names the tiers if a text is none of them.
func CheckTier(tier string) error {
	var all []string
	for _, t := range settings.Tiers {
		all = append(all, t.Name)
	}
	if slices.Contains(all, tier) {
		return nil
	}
	return fmt.Errorf("%q is not a tier; the tiers are %s", tier, strings.Join(all, ", "))
}

// Cost compares the plans without and with a new tenant.
type Cost struct {
	Before, After sizing.Plan
	// Room is how many more tenants of the smallest tier fit then, without a change of sizes.
	Room sizing.Room
}

// CostOf returns what one more tenant costs. before are the settings without it, after with it.
// The error says what does not fit, and has the price of the next step.
func CostOf(before, after settings.Settings, last Deployed) (Cost, error) {
	before, errBefore := last.Sizes.Next(before)
	after, errAfter := last.Sizes.Next(after)
	if err := cmp.Or(errBefore, errAfter); err != nil {
		return Cost{}, err
	}
	if err := checkHistory(last.History, after.Tenants); err != nil {
		return Cost{}, err
	}
	old, err := sizing.Solve(before)
	if err != nil {
		return Cost{}, fmt.Errorf("the stack does not fit without the new tenant either: %w", err)
	}
	plan, err := sizing.Solve(after)
	if err != nil {
		return Cost{}, refusal(after, old, err)
	}
	return Cost{old, plan, sizing.HeadroomOf(after, plan).Tenants}, nil
}

// checkHistory returns the changes of other tenants that the next update would refuse.
func checkHistory(h lifecycle.History, tenants []settings.Tenant) error {
	_, faults := h.Next(tenants)
	var errs []error
	for _, f := range faults {
		errs = append(errs, errors.New(f.String()))
	}
	if gone, _ := h.Vanished(tenants); len(gone) > 0 {
		errs = append(errs, fmt.Errorf("settings.tenants: the entry of %s was deleted since the last update. Update first: one update that deletes an entry and adds another looks like a rename", strings.Join(gone, ", ")))
	}
	return errors.Join(errs...)
}

// refusal adds the price of the cheapest plan with the new tenant, without pins and budget.
func refusal(s settings.Settings, old sizing.Plan, err error) error {
	over := &budget.OverError{}
	if errors.As(err, &over) {
		err = errors.New(over.Summary())
	}
	limit := s.Budget.MonthlyUSD
	s.Nodes, s.Database.Size, s.Budget.MonthlyUSD = settings.Nodes{}, "", math.MaxInt64
	next, none := sizing.Solve(s)
	if none != nil {
		return fmt.Errorf("it does not fit at any price: %w", err)
	}
	return fmt.Errorf("it does not fit. The next step is %s, %s a month: %s more than now, %s.\n%w",
		sizes(next), next.Bill.Total(), next.Bill.Total()-old.Bill.Total(), budget.Remainder(limit-next.Bill.Total()), err)
}

// sizes describes a plan, such as "2 × s-2vcpu-4gb, 1 × db-s-1vcpu-1gb".
func sizes(p sizing.Plan) string {
	var out []string
	if p.Nodes.Size != "" {
		out = append(out, fmt.Sprintf("%d × %s", p.Nodes.Count, p.Nodes.Size))
	}
	if p.Database.Size != "" {
		out = append(out, fmt.Sprintf("%d × %s", p.Database.Nodes, p.Database.Size))
	}
	return strings.Join(out, ", ")
}

// Text returns the bill with the new tenant, the total before it, and how many more fit.
func (c Cost) Text() string {
	before, after := c.Before.Bill.Total(), c.After.Bill.Total()
	text := fmt.Sprintf("The bill: %s a month before, %s after (%s more).\n\n%s\n", before, after, after-before, c.After.Bill.Table(c.After.Budget))
	if c.Before.Nodes.Size != c.After.Nodes.Size {
		text += fmt.Sprintf("The nodes change from %s to %s: run `ops resize` before the update (docs/resize.md).\n", c.Before.Nodes.Size, c.After.Nodes.Size)
	}
	if c.Before.Database.Size != c.After.Database.Size {
		text += fmt.Sprintf("The database grows from %s to %s. It cannot shrink again.\n", c.Before.Database.Size, c.After.Database.Size)
	}
	text += fmt.Sprintf("%d more tenants of the tier %s fit after this one.", c.Room.More, settings.Tiers[0].Name)
	if c.Room.Next != "" {
		text += fmt.Sprintf(" The next one exceeds %s.", c.Room.BreaksOn)
		if strings.HasPrefix(c.Room.Next, sizing.NoPlan) {
			return text + " There is " + c.Room.Next + "\n"
		}
		text += fmt.Sprintf(" The next step is %s, for %s a month more.", c.Room.Next, c.Room.Step)
	}
	return text + "\n"
}
