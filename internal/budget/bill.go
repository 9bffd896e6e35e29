package budget

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Items of a bill. An item says what a stack uses the priced thing for. The meter
// (internal/meter) adds up resources by item.
const (
	ItemNodes        = "nodes"
	ItemHA           = "HA control plane"
	ItemDatabase     = "database"
	ItemLoadBalancer = "load balancer"
	ItemVolumes      = "volumes (GiB)"
	ItemUptime       = "uptime checks"
)

// Line is one position of a bill: a quantity of one priced thing. Prices are per month.
type Line struct {
	// Item is one of the Item constants, or other text.
	Item string
	// SKU is the SKU of a catalog.Price, for example "s-2vcpu-4gb".
	SKU string
	// Quantity is a number of nodes, of load balancer nodes, of GiB or of checks.
	Quantity int
	// Unit is the price of one unit per month.
	Unit Cents
	// Source says where the price was read. AsOf is the date on which it was read
	// (YYYY-MM-DD).
	Source, AsOf string
	// Confidence is a catalog.Confidence, for example "third party".
	Confidence string
}

// Monthly returns Unit × Quantity.
func (l Line) Monthly() Cents { return l.Unit * Cents(l.Quantity) }

// Bill lists what a stack costs per month before tax.
type Bill []Line

// Total returns the sum of all lines.
func (b Bill) Total() Cents {
	var sum Cents
	for _, l := range b {
		sum += l.Monthly()
	}
	return sum
}

// Table returns the bill as aligned text: a header, one row for each line, the total,
// and the limit with what is left of it. Each row ends with a line break.
func (b Bill) Table(limit Cents) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ITEM\tSKU\tQTY\tUNIT\tMONTH\tPRICE OF")
	for _, l := range b {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", l.Item, l.SKU, l.Quantity, l.Unit, l.Monthly(), strings.Trim(l.AsOf+", "+l.Confidence, ", "))
	}
	fmt.Fprintf(w, "TOTAL\t\t\t\t%s\t\n", b.Total())
	fmt.Fprintf(w, "LIMIT\t\t\t\t%s\t%s\n", limit, Remainder(limit-b.Total()))
	_ = w.Flush() // a strings.Builder returns no error
	return trimTrailingSpaces(out.String())
}

// Remainder returns "$4.85 left", or "over by $4.85" when left is negative.
func Remainder(left Cents) string {
	if left < 0 {
		return fmt.Sprintf("over by %s", -left)
	}
	return fmt.Sprintf("%s left", left)
}

func trimTrailingSpaces(table string) string {
	lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}
