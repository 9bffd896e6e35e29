package sizing

import (
	"fmt"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// Bound is a quota that a bigger budget does not raise.
type Bound struct {
	// Name has the unit in brackets, where the quota is not a number of things.
	Name string
	// Used is how much of the quota the plan uses. Most is the quota.
	Used, Most int
	// Why says what uses the quota.
	Why string
}

// Names of the bounds that another tenant may exceed.
const (
	BoundConnections = "database connections"
	BoundStorage     = "database storage (MiB)"
)

// connections returns how many database connections the stack needs at the same time.
// The sum counts the pools of all replicas during a rolling update, and the platform's own
// connections. For each pooler it counts what tiers reserve and the shared minimum.
func connections(s settings.Settings, set workload.Set) int {
	need := set.Connections() + workload.PlatformConnections
	for _, t := range s.Tenants {
		need += t.Reserved()
	}
	return need
}

// poolerConnections returns how many server connections the tenants share in each pooler:
// the minimum, and an equal share of the connections that nothing else needs.
func poolerConnections(s settings.Settings, p Plan) int {
	left := admitted(s, p) - connections(s, p.Workload)
	return workload.MinPoolerConnections + max(0, left)/settings.Poolers
}

// admitted returns how many connections the database admits.
func admitted(s settings.Settings, p Plan) int {
	if s.Database.Kind == settings.External {
		return s.Database.Connections
	}
	return p.database.Connections
}

// storage returns how many tenants have a schema, and the sum of their disk quotas in MiB. A
// suspended or archived tenant keeps its schema.
func storage(s settings.Settings) (tenants, mib int) {
	for _, t := range s.Tenants {
		if t.HasSchema() {
			tenants++
			mib += t.Tier().StorageMiB
		}
	}
	return tenants, mib
}

func bounds(s settings.Settings, p Plan) []Bound {
	app := p.Workload.App
	reserved := 0
	for _, t := range s.Tenants {
		reserved += t.Reserved()
	}
	// The poolers share all connections that are left, so the plan uses nearly all.
	used := connections(s, p.Workload) + (p.PoolerConnections-workload.MinPoolerConnections)*settings.Poolers
	out := []Bound{
		{BoundConnections, used, admitted(s, p),
			fmt.Sprintf("%d replicas and %d in a rolling update × %d, %d poolers × %d that tenants share, %d reserved by tenants, %d for the platform",
				app.Replicas, app.Surge, app.Connections, settings.Poolers, p.PoolerConnections, reserved, workload.PlatformConnections)},
		{"certificates a week", 1, catalog.CertificatesPerNameSet,
			"one wildcard for all hosts; a stack that is torn down and brought up orders it again"},
	}
	tenants, mib := storage(s)
	out = append(out, Bound{"metric series of tenants", tenants * workload.SeriesPerTenant, p.Workload.TenantSeries(),
		fmt.Sprintf("%d for each tenant with a schema; for more of them VictoriaMetrics gets more memory", workload.SeriesPerTenant)})
	if s.Database.Kind == settings.DigitalOcean {
		out = append(out, Bound{BoundStorage, mib, p.database.TenantsMiB(),
			fmt.Sprintf("the disk quotas of tenants with a schema (%d)", tenants)})
	}
	if len(p.Fit) > 0 {
		out = append(out, Bound{"outbound traffic (GiB a month)", p.Workload.TransferGiB, p.IncludedTransferGiB(),
			fmt.Sprintf("%d users × %d requests a minute × %d KiB all month; the price of %s includes this much",
				s.Capacity.ConcurrentUsers, s.Capacity.RequestsPerMinute, s.App.ResponseKiB, nodesText(p.Nodes.Size, p.Nodes.Count))})
		out = append(out, Bound{"memory for our Pods (MiB)", p.Fit[0].RequestedMiB, p.Fit[0].DocumentedMiB,
			"DigitalOcean's documented maximum for " + nodesText(p.Nodes.Size, p.Nodes.Count)})
	}
	return out
}
