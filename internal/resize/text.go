package resize

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
)

// Rough durations in minutes, for the announcement only. A new node of DigitalOcean
// Kubernetes takes some minutes, a drained node as long as its slowest Pod.
const (
	provisionMinutes = 5
	drainMinutes     = 3
	deleteMinutes    = 2
)

// hoursInMonth is after how many hours DigitalOcean stops billing a Droplet for the
// month, so the hourly price is the monthly one divided by it.
const hoursInMonth = 672

// Text describes the steps, their duration and what they cost.
func (p Plan) Text() (string, error) {
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("%s: from %s to %d × %s, without another cluster", p.Target.Cluster, p.from(), p.Target.Count, p.Target.Size)
	for i, step := range p.steps() {
		line("  %d. %s", i+1, step)
	}
	minutes := p.minutes()
	line("It takes roughly %d minutes. The app answers throughout if it has two or more replicas; what has one replica pauses while it moves.", minutes)
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

// steps are those that are left.
func (p Plan) steps() []string {
	var out []string
	if p.To == nil {
		out = append(out, fmt.Sprintf("add the pool %s with %d × %s", name(p.Target.Size), p.Target.Count, p.Target.Size))
	}
	out = append(out, "wait until the nodes of the new pool are Ready")
	for _, pool := range p.From {
		out = append(out, fmt.Sprintf("cordon the %d nodes of the pool %s, and drain them one by one; disruption budgets are kept", pool.Count, pool.Name))
	}
	out = append(out, fmt.Sprintf("move the tag %s to the new pool", defaultPoolTag))
	for _, pool := range p.From {
		out = append(out, "delete the pool "+pool.Name)
	}
	return append(out, "run `pulumi up --refresh`, which renames the new pool and replaces nothing")
}

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

// cost compares the pools by the hour and by the month.
func (p Plan) cost(minutes int) (string, error) {
	after, err := monthly(p.Target.Size, p.Target.Count)
	if err != nil {
		return "", err
	}
	var before int64
	for _, pool := range p.From {
		price, err := monthly(pool.Size, pool.Count)
		if err != nil {
			return fmt.Sprintf("Both pools are billed side by side. The price of %s is not in the catalogue; the new nodes cost %s a month.",
				pool.Size, budget.Cents(after)), nil
		}
		before += price
	}
	hours := int64(minutes+59) / 60
	return fmt.Sprintf("Both pools are billed side by side: %s an hour for the old nodes beside %s for the new ones, so about %s extra. "+
		"Then the nodes cost %s a month instead of %s.",
		perHour(before, 1), perHour(after, 1), perHour(before, hours), budget.Cents(after), budget.Cents(before)), nil
}

// perHour is a monthly price for some hours, to a tenth of a cent and rounded up.
func perHour(monthly, hours int64) string {
	tenths := (monthly*10*hours + hoursInMonth - 1) / hoursInMonth
	return fmt.Sprintf("$%d.%03d", tenths/1000, tenths%1000)
}
