package sizing

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// Room is how much more of something a plan bears, and what comes after.
type Room struct {
	// More is how many fit beside what is there.
	More int
	// BreaksOn is the limit that the next one breaks.
	BreaksOn string
	// Step is what the next one costs a month more, by the cheapest plan that bears
	// it; Next describes that plan, or says that there is none.
	Step budget.Cents
	Next string
}

// Capacity is what a plan bears beyond what it was made for.
type Capacity struct {
	Tenants, Replicas Room
}

// maxMore is where counting ends: far beyond what any plan here bears.
const maxMore = 1000

// CapacityOf counts what fits on the plan's sizes.
func CapacityOf(s settings.Settings, p Plan) Capacity {
	return Capacity{
		Tenants: room(p, func(n int) (settings.Settings, workload.Set) {
			return withTenants(s, n), p.Workload
		}),
		Replicas: room(p, func(n int) (settings.Settings, workload.Set) {
			set := p.Workload
			set.App.Replicas += n
			return s, set
		}),
	}
}

// withTenants adds tenants of the smallest plan.
func withTenants(s settings.Settings, n int) settings.Settings {
	more := append([]settings.Tenant{}, s.Tenants...)
	for i := range n {
		more = append(more, settings.Tenant{Name: fmt.Sprintf("more-%d", i)}.WithDefaults())
	}
	s.Tenants = more
	return s
}

func room(p Plan, grown func(int) (settings.Settings, workload.Set)) Room {
	for n := 1; n <= maxMore; n++ {
		more, set := grown(n)
		if reason := breaks(more, set, p); reason != "" {
			out := Room{More: n - 1, BreaksOn: reason}
			out.Step, out.Next = next(more, set, p)
			return out
		}
	}
	return Room{More: maxMore, BreaksOn: "nothing that is counted here"}
}

// breaks says which limit of the plan's sizes a grown workload breaks; "" none.
func breaks(s settings.Settings, set workload.Set, p Plan) string {
	if need, most := connections(s, set), admitted(s, p.Database); need > most {
		return fmt.Sprintf("%s (%d of %d)", LimitConnections, need, most)
	}
	if size, err := catalog.DatabaseBySize(p.Database.Size); err == nil && storage(s) > size.TenantsMiB() {
		return fmt.Sprintf("%s (%d of %d)", LimitStorage, storage(s), size.TenantsMiB())
	}
	if len(s.Tenants) > settings.MaxTenants {
		return fmt.Sprintf("tenants of one stack (%d)", settings.MaxTenants)
	}
	node, err := catalog.NodeBySize(p.Nodes.Size)
	if err != nil {
		return "" // an existing cluster's nodes are not ours to count
	}
	if _, err := fit(set, s.Capacity.SurviveNodeLoss, node, p.Nodes.Count); err != nil {
		return err.Error()
	}
	return ""
}

// next is the cheapest plan for a grown workload, without pins or limit.
func next(s settings.Settings, set workload.Set, p Plan) (budget.Cents, string) {
	s.Nodes, s.Database.Size = settings.Nodes{}, ""
	after, err := solve(s, func(settings.Settings) workload.Set { return set })
	if err != nil {
		return 0, "no plan: " + err.Error()
	}
	return after.Bill.Total() - p.Bill.Total(), describe(after)
}
