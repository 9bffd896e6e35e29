package sizing

import (
	"fmt"
	"sort"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// Room says how many more of one thing fit on a plan's sizes, and what happens then.
type Room struct {
	// More is how many fit in addition.
	More int
	// BreaksOn names the bound that More + 1 exceeds.
	BreaksOn string
	// Step is the difference in price per month to the cheapest plan for More + 1.
	Step budget.Cents
	// Next describes that plan. It starts with NoPlan and says why if there is none. It is
	// empty if no bound was found.
	Next string
}

// Headroom is the room for tenants and for replicas of the app. Each is counted as if
// the other stayed as it is.
type Headroom struct {
	Tenants, Replicas Room
}

// NoPlan starts Room.Next if no plan has room for one more.
const NoPlan = "no plan: "

// maxMore ends the count. No size of the catalogue has room for as many, and no stack may
// have more tenants.
const maxMore = settings.MaxTenants

// HeadroomOf returns the headroom on the sizes of a plan. The plan has to be one that
// Solve or SolveFor returned for these settings.
func HeadroomOf(s settings.Settings, p Plan) Headroom {
	return Headroom{
		Tenants: room(p, func(n int) (settings.Settings, workload.Set) {
			more := withTenants(s, n)
			return more, p.Workload.WithTenants(more)
		}),
		Replicas: room(p, func(n int) (settings.Settings, workload.Set) {
			set := p.Workload
			set.App.Replicas += n
			return s, set
		}),
	}
}

// withTenants returns the settings with n more tenants of the smallest tier.
func withTenants(s settings.Settings, n int) settings.Settings {
	more := append([]settings.Tenant{}, s.Tenants...)
	for i := range n {
		more = append(more, settings.Tenant{Name: fmt.Sprintf("more-%d", i)}.WithDefaults())
	}
	s.Tenants = more
	return s
}

// room finds the least number for which the plan's sizes are too small, by halving: a larger
// workload never fits where a smaller one does not (checkAnyOrder). with returns the settings
// and the workload with n more of the thing that is counted.
func room(p Plan, with func(n int) (settings.Settings, workload.Set)) Room {
	exceeded := func(n int) bool {
		more, set := with(n)
		return exceededBound(more, set, p) != ""
	}
	// Most plans have little room, so the first steps are small.
	most := 1
	for most < maxMore && !exceeded(most) {
		most *= 2
	}
	least := most / 2
	n := least + 1 + sort.Search(min(most, maxMore+1)-least, func(i int) bool { return exceeded(least + 1 + i) })
	if n > maxMore+1 {
		return Room{More: maxMore, BreaksOn: "no known limit"}
	}
	more, set := with(n)
	out := Room{More: n - 1, BreaksOn: exceededBound(more, set, p)}
	out.Step, out.Next = nextPlan(more, set, p)
	return out
}

// exceededBound returns the first bound of the plan's sizes that a workload exceeds, or
// "". An existing cluster has no bound for Pods, because its nodes are not known.
func exceededBound(s settings.Settings, set workload.Set, p Plan) string {
	if need, most := connections(s, set), admitted(s, p); need > most {
		return fmt.Sprintf("%s (%d of %d)", BoundConnections, need, most)
	}
	_, mib := storage(s)
	if most := p.database.TenantsMiB(); s.Database.Kind == settings.DigitalOcean && mib > most {
		return fmt.Sprintf("%s (%d of %d)", BoundStorage, mib, most)
	}
	if len(s.Tenants) > settings.MaxTenants {
		return fmt.Sprintf("tenants of one stack (%d)", settings.MaxTenants)
	}
	if s.Cluster.Kind == settings.Existing {
		return ""
	}
	if _, err := fit(set, s.Capacity.SurviveNodeLoss, p.node, p.Nodes.Count); err != nil {
		return err.Error()
	}
	return ""
}

// nextPlan returns how much more than p the cheapest plan for a workload costs, and
// describes that plan. It ignores pins and the budget.
func nextPlan(s settings.Settings, set workload.Set, p Plan) (budget.Cents, string) {
	if len(s.Tenants) > settings.MaxTenants {
		return 0, NoPlan + "create another stack for more tenants"
	}
	s.Nodes.Size, s.Nodes.Count, s.Database.Size = "", 0, ""
	after, err := solve(s, func(settings.Settings) workload.Set { return set })
	if err != nil {
		return 0, NoPlan + err.Error()
	}
	return after.Bill.Total() - p.Bill.Total(), describe(after)
}
