package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

// fill copies the plan into the report.
func (s *Stack) fill(declared settings.Settings, p sizing.Plan) {
	s.MonthlyCents, s.bill = p.Bill.Total(), p.Bill
	s.Nodes, s.Database = Nodes(p.Nodes), Database(p.Database)
	for _, l := range p.Bill {
		s.Lines = append(s.Lines, Line{l.Item, l.SKU, l.Quantity, l.Unit, l.Monthly(), l.Source, l.AsOf, l.Confidence})
	}
	for _, scenario := range p.Fit {
		out := Scenario{Name: scenario.Name, RequestedMiB: scenario.RequestedMiB, DocumentedMiB: scenario.DocumentedMiB}
		for _, n := range scenario.Nodes {
			out.Nodes = append(out.Nodes, Node{Pods: n.Pods, FreeMilliCPU: n.Free.MilliCPU, FreeMiB: n.Free.MiB})
		}
		s.Fit = append(s.Fit, out)
	}
	for _, l := range p.Bounds {
		s.Bounds = append(s.Bounds, Bound(l))
	}
	room := sizing.HeadroomOf(declared, p)
	s.Headroom = &Headroom{Tenants: roomOf(room.Tenants), Replicas: roomOf(room.Replicas)}
	s.Why = why(declared, p)
	for _, price := range declared.Pricing.TenantUSD {
		s.Economics = append(s.Economics, s.economics(declared, p, price))
	}
}

func roomOf(r sizing.Room) Room {
	return Room{More: r.More, BreaksOn: r.BreaksOn, StepCents: r.Step, Next: r.Next}
}

// why returns a sentence for each size that says what decided it.
func why(s settings.Settings, p sizing.Plan) []string {
	app := p.Workload.App
	out := []string{fmt.Sprintf("app: %s with %s CPU and %s each, %s",
		counted(app.Replicas, "replica"), app.Request.CPU(), app.Request.Memory(), whyApp(s))}
	if p.Nodes.Size != "" {
		out = append(out, fmt.Sprintf("nodes: %d × %s, %s", p.Nodes.Count, p.Nodes.Size, whyNodes(s, p)))
	} else {
		out = append(out, "nodes: those of the existing cluster; nothing checks that everything fits on them")
	}
	switch {
	case p.Database.Size != "":
		out = append(out, fmt.Sprintf("database: %d × %s, %s", p.Database.Nodes, p.Database.Size, sizing.WhyDatabase(s, p)))
	case s.Database.Network == settings.Anywhere:
		out = append(out, "database: external; network policies admit every address on its port; settings.database.network restricts them")
	default:
		out = append(out, fmt.Sprintf("database: external; network policies admit %s on its port", s.Database.Network))
	}
	return out
}

// whyApp names the settings that set the app's replicas and requests. The rest is computed
// from the number of users.
func whyApp(s settings.Settings) string {
	var set []string
	if s.App.Replicas > 0 {
		set = append(set, "app.replicas")
	}
	if s.App.CPU != "" {
		set = append(set, "app.cpu")
	}
	if s.App.Memory != "" {
		set = append(set, "app.memory")
	}
	users := fmt.Sprintf("for %d concurrent users with %d requests a minute each (measured with AgentHQ on %s)",
		s.Capacity.ConcurrentUsers, s.Capacity.RequestsPerMinute, workload.MeasuredOn)
	switch len(set) {
	case 0:
		return users
	case 3:
		return "set by settings." + strings.Join(set, ", ") + ", whatever the number of users"
	}
	return "set by settings." + strings.Join(set, ", ") + "; the rest is " + users
}

// whyNodes says whether a setting pins the size and the number of nodes, what must fit on
// them, and what does not fit on the next cheaper pool.
func whyNodes(s settings.Settings, p sizing.Plan) string {
	reason := "the cheapest on which everything fits"
	switch {
	case s.Nodes.Size != "" && s.Nodes.Count != 0:
		reason = "pinned by settings.nodes; everything fits"
	case s.Nodes.Size != "":
		reason = "of the size that settings.nodes.size pins; the fewest on which everything fits"
	case s.Nodes.Count != 0:
		reason = "as many as settings.nodes.count pins; the cheapest size on which everything fits"
	}
	if s.Capacity.SurviveNodeLoss {
		reason += ", also with one node gone"
	}
	if c := p.Cheaper; c != nil {
		reason += fmt.Sprintf("; not on %d × %s for %s, %s", c.Nodes.Count, c.Nodes.Size, c.Monthly, c.Err)
	}
	return reason
}

// economics returns the costs and margins per tenant for a price.
func (s *Stack) economics(declared settings.Settings, p sizing.Plan, price budget.Cents) PricePoint {
	out := PricePoint{PriceCents: price}
	out.CostPerTenantCents, out.MarginCents, out.MarginPercent = margin(price, s.MonthlyCents, s.Tenants)
	out.FullCostPerTenantCents, out.FullMarginCents, out.FullMarginPercent = margin(price, s.MonthlyCents, s.Tenants+s.Headroom.Tenants.More)
	even, err := sizing.BreakEvenOf(declared, p, price, declared.Pricing.FixedUSD)
	out.BreakEvenTenants, out.BreakEvenBillCents = even.Tenants, even.Infrastructure
	if err != nil {
		out.BreakEvenProblem = err.Error()
		return out
	}
	_, out.BreakEvenMarginCents, out.BreakEvenMarginPercent = margin(price, even.Infrastructure, even.Tenants)
	out.BreakEvenFits = even.Infrastructure <= p.Budget
	return out
}

// margin returns the cost of one tenant, and what is left of its price: in cents and in percent.
// Without tenants all are 0.
func margin(price, bill budget.Cents, tenants int) (cost, left budget.Cents, percent int) {
	if tenants == 0 {
		return 0, 0, 0
	}
	cost = (bill + budget.Cents(tenants) - 1) / budget.Cents(tenants)
	left = price - cost
	return cost, left, int(math.Floor(100 * float64(left) / float64(price)))
}
