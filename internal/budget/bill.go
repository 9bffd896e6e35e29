package budget

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Items of a bill: what a stack uses the priced thing for.
const (
	ItemNodes        = "nodes"
	ItemHA           = "HA control plane"
	ItemDatabase     = "database"
	ItemLoadBalancer = "load balancer"
	ItemVolumes      = "volumes (GiB)"
)

// Line is one position of a bill: a quantity of one priced thing for a month.
type Line struct {
	// Item is one of the constants above, or another use.
	Item string
	// SKU is the provider's name of the priced thing, for example "s-2vcpu-4gb".
	SKU string
	// Quantity counts units: nodes, load balancer nodes, GiB of a volume.
	Quantity int
	// Unit is the price of one unit for a month.
	Unit Cents
	// Source and AsOf say where the price was read and when (YYYY-MM-DD).
	Source, AsOf string
}

// Monthly is what the line costs in a month.
func (l Line) Monthly() Cents { return l.Unit * Cents(l.Quantity) }

// Bill is what a stack costs in a month, line by line.
type Bill []Line

// Total is the sum of all lines.
func (b Bill) Total() Cents {
	var sum Cents
	for _, l := range b {
		sum += l.Monthly()
	}
	return sum
}

// Table prints the bill as a reviewer reads it: one line each, then the total
// against the limit.
func (b Bill) Table(limit Cents) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ITEM\tSKU\tQTY\tUNIT\tMONTH\tPRICE OF")
	for _, l := range b {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", l.Item, l.SKU, l.Quantity, l.Unit, l.Monthly(), l.AsOf)
	}
	fmt.Fprintf(w, "TOTAL\t\t\t\t%s\t\n", b.Total())
	fmt.Fprintf(w, "LIMIT\t\t\t\t%s\t%s\n", limit, Remainder(limit-b.Total()))
	_ = w.Flush() // a strings.Builder does not fail
	return trimRight(out.String())
}

// Remainder says what is left of a limit, or by how much it is exceeded.
func Remainder(left Cents) string {
	if left < 0 {
		return fmt.Sprintf("over by %s", -left)
	}
	return fmt.Sprintf("%s left", left)
}

func trimRight(table string) string {
	lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
