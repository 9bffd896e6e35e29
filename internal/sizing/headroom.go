package sizing

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// Room is how many more of something fit, and what comes after.
type Room struct {
	// More is how many fit beside what is there.
	More int
	// BreaksOn is the bound that the next one breaks.
	BreaksOn string
	// Step is what the next one costs a month more, with the cheapest plan on which it
	// fits; Next describes that plan, or says that there is none.
	Step budget.Cents
	Next string
}

// Headroom is how much more fits on a plan's sizes.
type Headroom struct {
	Tenants, Replicas Room
}

// maxMore is where counting ends: far more than fits on any size here.
const maxMore = 1000

// HeadroomOf counts what more fits on the sizes of a plan that Solve returned.
func HeadroomOf(s settings.Settings, p Plan) Headroom {
	return Headroom{
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

// breaks returns the bound of the plan's sizes that a grown workload breaks, or "".
func breaks(s settings.Settings, set workload.Set, p Plan) string {
	if need, most := connections(s, set), admitted(s, p); need > most {
		return fmt.Sprintf("%s (%d of %d)", BoundConnections, need, most)
	}
	if most := p.database.TenantsMiB(); s.Database.Kind == settings.DigitalOcean && storage(s) > most {
		return fmt.Sprintf("%s (%d of %d)", BoundStorage, storage(s), most)
	}
	if len(s.Tenants) > settings.MaxTenants {
		return fmt.Sprintf("tenants of one stack (%d)", settings.MaxTenants)
	}
	if s.Cluster.Kind == settings.Existing {
		return "" // its nodes are not known
	}
	if _, err := fit(set, s.Capacity.SurviveNodeLoss, p.node, p.Nodes.Count); err != nil {
		return err.Error()
	}
	return ""
}

// next returns what the cheapest plan for a grown workload costs more, without pins
// and whatever the budget, and describes it.
func next(s settings.Settings, set workload.Set, p Plan) (budget.Cents, string) {
	s.Nodes, s.Database.Size = settings.Nodes{}, ""
	after, err := solve(s, func(settings.Settings) workload.Set { return set })
	if err != nil {
		return 0, "no plan: " + err.Error()
	}
	return after.Bill.Total() - p.Bill.Total(), describe(after)
}
