package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/sizing"
)

// Text writes the report for a terminal. It returns the error of the writer.
func (r Report) Text(w io.Writer) error {
	p := &printer{w: w}
	for _, s := range r.Stacks {
		p.stack(s)
	}
	if len(r.Stacks)+len(r.Removed) > 1 {
		p.summaries(r)
	}
	if len(r.OldPrices) > 0 {
		p.line("\nwarning: %s", r.oldPrices())
	}
	return p.err
}

// oldPrices says which prices have to be read again.
func (r Report) oldPrices() string {
	return fmt.Sprintf("these prices are %d days old or older: %s. Read them again: make prices", catalog.MaxAgeDays, strings.Join(r.OldPrices, ", "))
}

// printer writes lines until the writer returns an error, and keeps that error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) table(rows [][]string) {
	if p.err != nil {
		return
	}
	var out strings.Builder
	tw := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	p.err = tw.Flush()
	for line := range strings.Lines(out.String()) {
		p.line("  %s", strings.TrimRight(line, " \n"))
	}
}

func (p *printer) stack(s Stack) {
	result := "fits"
	if !s.OK {
		result = "DOES NOT FIT"
	}
	p.line("%s: %s a month of at most %s, %s", s.Name, s.MonthlyCents, s.LimitCents, result)
	if s.Problem != "" {
		p.line("\n%s", s.Problem)
	}
	if s.Headroom == nil {
		p.line("")
		return
	}
	p.bill(s)
	p.line("\n sizes")
	for _, reason := range s.Why {
		p.line("  %s", reason)
	}
	if !s.Running {
		p.line("  what runs already is not known, and a database or a volume never shrinks: -deployed FILE")
	}
	p.fit(s)
	p.line("\n limits")
	rows := [][]string{{"LIMIT", "USED", "OF", "BY"}}
	for _, l := range s.Bounds {
		rows = append(rows, []string{l.Name, fmt.Sprint(l.Used), fmt.Sprint(l.Most), l.Why})
	}
	p.table(rows)
	p.line("\n room")
	p.room("tenants", s.Headroom.Tenants)
	p.room("replicas of the app", s.Headroom.Replicas)
	p.line("\n alerts: %s", s.Alerts)
	p.tenants(s)
	p.economics(s)
	p.base(s)
	p.line("")
}

func (p *printer) bill(s Stack) {
	p.line("\n bill")
	for line := range strings.Lines(s.bill.Table(s.LimitCents)) {
		p.line("  %s", strings.TrimRight(line, "\n"))
	}
}

func (p *printer) fit(s Stack) {
	if len(s.Fit) == 0 {
		return
	}
	p.line("\n fit: what is left on each node")
	rows := [][]string{{"SCENARIO", "NODE", "PODS", "CPU FREE", "MEMORY FREE", "OUR REQUESTS OF THE DOCUMENTED MAXIMUM"}}
	for _, scenario := range s.Fit {
		for i, n := range scenario.Nodes {
			row := []string{"", fmt.Sprint(i + 1), fmt.Sprint(n.Pods), fmt.Sprintf("%dm", n.FreeMilliCPU), fmt.Sprintf("%dMi", n.FreeMiB), ""}
			if i == 0 {
				row[0], row[5] = scenario.Name, fmt.Sprintf("%dMi of %dMi", scenario.RequestedMiB, scenario.DocumentedMiB)
			}
			rows = append(rows, row)
		}
	}
	p.table(rows)
}

func (p *printer) room(of string, r Room) {
	next := ""
	switch {
	case strings.HasPrefix(r.Next, sizing.NoPlan):
		next = "; " + r.Next
	case r.StepCents < 0:
		next = fmt.Sprintf("; without the pins, the plan for one more costs %s a month less: %s", -r.StepCents, r.Next)
	case r.Next != "":
		next = fmt.Sprintf("; the next step costs %s a month more: %s", r.StepCents, r.Next)
	}
	p.line("  %d more %s; then %s%s", r.More, of, r.BreaksOn, next)
}

func (p *printer) economics(s Stack) {
	p.line("\n economics: infrastructure for each tenant a month, and what is left of the price")
	rows := [][]string{{
		"PRICE", "NOW: " + strings.ToUpper(counted(s.Tenants, "tenant")), fmt.Sprintf("FULL: %d", s.Tenants+s.Headroom.Tenants.More),
		"BREAK-EVEN WITH " + s.settings.Pricing.FixedUSD.String() + " FIXED COSTS", "ITS BILL",
	}}
	for _, e := range s.Economics {
		rows = append(rows, []string{e.PriceCents.String(), e.now(s.Tenants), e.full(), e.breakEven(), e.breakEvenBill(s.LimitCents)})
	}
	p.table(rows)
}

func (e PricePoint) now(tenants int) string {
	if tenants == 0 {
		return "no tenant pays yet"
	}
	return costAndMargin(e.CostPerTenantCents, e.MarginCents, e.MarginPercent)
}

func (e PricePoint) full() string {
	return costAndMargin(e.FullCostPerTenantCents, e.FullMarginCents, e.FullMarginPercent)
}

func (e PricePoint) breakEven() string {
	if e.BreakEvenProblem != "" {
		return fmt.Sprintf("%s, but %s", counted(e.BreakEvenTenants, "tenant"), e.BreakEvenProblem)
	}
	return fmt.Sprintf("%s, %s left (%d %%)", counted(e.BreakEvenTenants, "tenant"), e.BreakEvenMarginCents, e.BreakEvenMarginPercent)
}

func (e PricePoint) breakEvenBill(limit budget.Cents) string {
	switch {
	case e.BreakEvenProblem != "":
		return ""
	case e.BreakEvenFits:
		return e.BreakEvenBillCents.String() + ", within the budget"
	}
	return fmt.Sprintf("%s, over the budget by %s", e.BreakEvenBillCents, e.BreakEvenBillCents-limit)
}

func costAndMargin(cost, left budget.Cents, percent int) string {
	return fmt.Sprintf("costs %s, %s left (%d %%)", cost, left, percent)
}

func (p *printer) base(s Stack) {
	if s.Base == nil {
		return
	}
	switch {
	case s.Base.Problem != "":
		p.line("\n since %s: cannot be compared, %s", s.Base.Revision, s.Base.Problem)
		return
	case s.Base.New:
		p.line("\n since %s: the stack is new", s.Base.Revision)
		return
	}
	if s.Base.Refusal != "" {
		p.line("\n since %s: %s before; now there is no update: %s", s.Base.Revision, s.Base.MonthlyCents, s.Base.Refusal)
	} else {
		p.line("\n since %s: %s before, %s now (%s)", s.Base.Revision, s.Base.MonthlyCents, s.MonthlyCents, signed(s.Base.DeltaCents))
	}
	if s.Base.Planner != "" {
		p.line("  both are planned by this program, which differs from that of %s: %s", s.Base.Revision, s.Base.Planner)
	}
	for _, c := range s.Base.Bill {
		p.line("  bill, %s: %s → %s, %s", c.Item, orDash(c.Before), orDash(c.After), signed(c.DeltaCents))
	}
	for _, c := range s.Base.Changes {
		p.line("  %s: %s → %s, %s", c.What, orDash(c.Before), orDash(c.After), strings.TrimSuffix(c.Effect+": "+c.Note, ": "))
	}
}

// summaries prints a table with a row for each stack.
func (p *printer) summaries(r Report) {
	rows := [][]string{{"", "MONTH", "LIMIT", "NODES", "DATABASE", "TENANTS", "MORE FIT"}}
	for _, s := range r.Stacks {
		rows = append(rows, s.summaryRow())
	}
	for _, name := range r.Removed {
		rows = append(rows, []string{name, "removed"})
	}
	rows = append(rows, []string{"together", r.TotalCents.String()})
	p.line("all stacks")
	p.table(rows)
}

// summaryRow returns name, price, limit, nodes, database, tenants, and how many more
// tenants fit.
func (s Stack) summaryRow() []string {
	more := "-"
	if s.Headroom != nil {
		more = fmt.Sprint(s.Headroom.Tenants.More)
	}
	return []string{
		s.Name, s.MonthlyCents.String(), s.LimitCents.String(), sizeText(s.Nodes.Count, s.Nodes.Size),
		sizeText(s.Database.Nodes, s.Database.Size), fmt.Sprint(s.Tenants), more,
	}
}

func sizeText(count int, size string) string {
	if size == "" {
		return "-"
	}
	return fmt.Sprintf("%d × %s", count, size)
}

func orDash(text string) string { return cmp.Or(text, "-") }

func signed(c budget.Cents) string {
	if c > 0 {
		return "+" + c.String()
	}
	return c.String()
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
