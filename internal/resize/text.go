package resize

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
)

// Estimated durations in minutes. Text prints them; nothing else uses them. A new node of
// DigitalOcean Kubernetes takes some minutes. A drain takes as long as its slowest Pod.
const (
	provisionMinutes = 5
	drainMinutes     = 3
	deleteMinutes    = 2
)

// hoursInMonth is the number of hours for which DigitalOcean bills a Droplet at most in a
// month. The hourly price is the monthly price divided by it.
const hoursInMonth = 672

// Text describes the steps that are left, their duration and their cost. It returns an
// error if the catalogue has no price for the target's size.
func (p Plan) Text() (string, error) {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("%s: from %s to %d × %s; the cluster stays", p.Target.Cluster, p.from(), p.Target.Count, p.Target.Size)
	for i, step := range p.steps() {
		line("  %d. %s", i+1, step)
	}
	minutes := p.minutes()
	line("It takes about %d minutes. An app with two or more replicas answers all the time. A Deployment with one replica pauses while its Pod moves.", minutes)
	cost, err := p.cost(minutes)
	if err != nil {
		return "", err
	}
	line("%s", cost)
	for _, note := range p.Notes {
		line("Note: %s.", note)
	}
	return out.String(), nil
}

// from describes the pools to replace.
func (p Plan) from() string {
	var pools []string
	for _, pool := range p.From {
		pools = append(pools, fmt.Sprintf("%d × %s (pool %s)", pool.Count, pool.Size, pool.Name))
	}
	if len(pools) == 0 {
		return "an unfinished resize"
	}
	return strings.Join(pools, " and ")
}

// steps returns a sentence for each step that is left.
func (p Plan) steps() []string {
	var out []string
	if p.To == nil {
		out = append(out, fmt.Sprintf("add the pool %s with %d × %s", newPoolName(p.Target.Size), p.Target.Count, p.Target.Size))
	}
	out = append(out, "wait until the nodes of the new pool are Ready")
	for _, pool := range p.From {
		out = append(out, fmt.Sprintf("cordon the %d nodes of the pool %s, and drain them one by one within their disruption budgets", pool.Count, pool.Name))
	}
	out = append(out, fmt.Sprintf("move the tag %s to the new pool", defaultPoolTag))
	for _, pool := range p.From {
		out = append(out, "delete the pool "+pool.Name)
	}
	return append(out, "run `pulumi up --refresh`: it renames the new pool and replaces nothing")
}

// minutes returns the estimated duration of the steps that are left.
func (p Plan) minutes() int {
	minutes := deleteMinutes
	if p.To == nil {
		minutes += provisionMinutes
	}
	for _, pool := range p.From {
		minutes += drainMinutes * pool.Count
	}
	return minutes
}

// cost describes what the nodes cost while both pools exist, and afterwards.
func (p Plan) cost(minutes int) (string, error) {
	after, err := monthlyPrice(p.Target.Size, p.Target.Count)
	if err != nil {
		return "", err
	}
	var before int64
	for _, pool := range p.From {
		price, err := monthlyPrice(pool.Size, pool.Count)
		if err != nil {
			return fmt.Sprintf("DigitalOcean bills both pools while they exist. The price of %s is not in the catalogue; the new nodes cost %s a month.",
				pool.Size, budget.Cents(after)), nil
		}
		before += price
	}
	hours := int64(minutes+59) / 60
	return fmt.Sprintf("DigitalOcean bills both pools while they exist: %s an hour for the old nodes and %s for the new ones, so about %s extra. "+
		"Then the nodes cost %s a month instead of %s.",
		priceOfHours(before, 1), priceOfHours(after, 1), priceOfHours(before, hours), budget.Cents(after), budget.Cents(before)), nil
}

// priceOfHours returns the price of some hours in dollars, rounded up to a tenth of a
// cent. monthly is the price in cents per month.
func priceOfHours(monthly, hours int64) string {
	tenths := (monthly*10*hours + hoursInMonth - 1) / hoursInMonth
	return fmt.Sprintf("$%d.%03d", tenths/1000, tenths%1000)
}
