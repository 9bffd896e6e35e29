package sizing

import (
	"fmt"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// Limit is a bound that money does not lift, and how much of it is used.
type Limit struct {
	Name       string
	Used, Most int
	// Why says what uses it.
	Why string
}

// Left is what is not used.
func (l Limit) Left() int { return l.Most - l.Used }

// LimitConnections is the name of the limit of database connections.
const LimitConnections = "database connections"

// LimitStorage is the name of the limit of the database's disk.
const LimitStorage = "database storage (MiB)"

// connections is how many the stack needs at once: each replica's pool with one more
// replica during a rolling update, the least that tenants share in each pooler, what
// tenants' plans reserve there, and the platform's.
func connections(s settings.Settings, set workload.Set) int {
	need := set.Connections() + workload.PlatformConnections
	for _, t := range s.Tenants {
		need += t.Reserved()
	}
	return need
}

// poolerConnections is what the tenants share in each pooler: the least that is
// counted, and its part of what the database has left.
func poolerConnections(s settings.Settings, p Plan) int {
	left := admitted(s, p.Database) - connections(s, p.Workload)
	return workload.MinPoolerConnections + max(0, left)/settings.Poolers
}

// admitted is how many connections the database admits.
func admitted(s settings.Settings, d Database) int {
	if size, err := catalog.DatabaseBySize(d.Size); err == nil {
		return size.Connections
	}
	return s.Database.Connections
}

// storage is how much disk the active tenants' plans give them.
func storage(s settings.Settings) int {
	sum := 0
	for _, t := range s.Tenants {
		if t.State == settings.Active {
			sum += t.Limits().StorageMiB
		}
	}
	return sum
}

func limits(s settings.Settings, p Plan) []Limit {
	app := p.Workload.App
	reserved := 0
	for _, t := range s.Tenants {
		reserved += t.Reserved()
	}
	// The poolers get what is left, so all of them are in use by the plan.
	used := connections(s, p.Workload) + (p.PoolerConnections-workload.MinPoolerConnections)*settings.Poolers
	out := []Limit{
		{LimitConnections, used, admitted(s, p.Database),
			fmt.Sprintf("%d replicas and %d in a rolling update × %d, %d poolers × %d that tenants share, %d reserved by tenants, %d for the platform",
				app.Replicas, app.Surge, app.Connections, settings.Poolers, p.PoolerConnections, reserved, workload.PlatformConnections)},
		{"certificates a week", 1, catalog.CertificatesPerNameSet,
			"one wildcard for all hosts; a stack that is torn down and brought up orders it again"},
	}
	if size, err := catalog.DatabaseBySize(p.Database.Size); err == nil {
		out = append(out, Limit{LimitStorage, storage(s), size.TenantsMiB(),
			fmt.Sprintf("%d active tenants by their plans", s.ActiveTenants())})
	}
	for i, scenario := range p.Fit {
		if i == 0 {
			out = append(out, Limit{"memory for our Pods (MiB)", scenario.RequestedMiB, scenario.DocumentedMiB,
				"DigitalOcean's documented maximum for " + nodesText(p.Nodes.Size, p.Nodes.Count)})
		}
	}
	return out
}
