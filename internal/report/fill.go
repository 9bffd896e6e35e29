package report

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// fill copies the plan into the report.
func (s *Stack) fill(declared settings.Settings, p sizing.Plan) {
	s.MonthlyCents, s.bill = p.Bill.Total(), p.Bill
	s.Nodes, s.Database = Nodes(p.Nodes), Database(p.Database)
	for _, l := range p.Bill {
		s.Lines = append(s.Lines, Line{l.Item, l.SKU, l.Quantity, l.Unit, l.Monthly(), l.Source, l.AsOf})
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
		s.Economics = append(s.Economics, economics(price, s.MonthlyCents, declared.Pricing.FixedUSD, s.Tenants, s.Headroom.Tenants.More))
	}
}

func roomOf(r sizing.Room) Room {
	return Room{More: r.More, BreaksOn: r.BreaksOn, StepCents: r.Step, Next: r.Next}
}

// why returns a sentence for each size that says why it was chosen.
func why(s settings.Settings, p sizing.Plan) []string {
	app := p.Workload.App
	out := []string{fmt.Sprintf("app: %d replicas with %s CPU and %s each, for %d concurrent users",
		app.Replicas, app.Request.CPU(), app.Request.Memory(), s.Capacity.ConcurrentUsers)}
	if p.Nodes.Size != "" {
		reason := "the cheapest on which everything fits"
		switch {
		case s.Nodes.Size != "" || s.Nodes.Count != 0:
			reason = "pinned by settings.nodes; the rest is " + reason
		case s.Capacity.SurviveNodeLoss:
			reason += ", also with one node gone"
		}
		out = append(out, fmt.Sprintf("nodes: %d × %s, %s", p.Nodes.Count, p.Nodes.Size, reason))
	} else {
		out = append(out, "nodes: those of the existing cluster; nothing checks that everything fits on them")
	}
	switch {
	case p.Database.Size != "":
		reason := "the smallest that admits the connections"
		if s.Database.Size != "" {
			reason = "pinned by settings.database.size"
		}
		out = append(out, fmt.Sprintf("database: %d × %s, %s", p.Database.Nodes, p.Database.Size, reason))
	case s.Database.Network == settings.Anywhere:
		out = append(out, "database: external; network policies admit every address on its port; settings.database.network restricts them")
	default:
		out = append(out, fmt.Sprintf("database: external; network policies admit %s on its port", s.Database.Network))
	}
	return out
}

// economics returns costs and margins per tenant. infrastructure is the total of the bill,
// fixed is settings.pricing.fixedUsd, and more is how many more tenants fit.
func economics(price, infrastructure, fixed budget.Cents, tenants, more int) PricePoint {
	now, full := max(tenants, 1), max(tenants+more, 1)
	out := PricePoint{
		PriceCents:             price,
		CostPerTenantCents:     divideUp(infrastructure, now),
		FullCostPerTenantCents: divideUp(infrastructure, full),
		BreakEvenTenants:       int((infrastructure + fixed + price - 1) / price),
	}
	out.MarginCents = price - out.CostPerTenantCents
	out.FullMarginCents = price - out.FullCostPerTenantCents
	return out
}

func divideUp(amount budget.Cents, by int) budget.Cents {
	return (amount + budget.Cents(by) - 1) / budget.Cents(by)
}
