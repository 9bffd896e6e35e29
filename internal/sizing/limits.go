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

// connections is how many the stack may open at once: each replica's pool, one
// more replica during a rolling update, what each active tenant's plan keeps, and the platform.
func connections(s settings.Settings, set workload.Set) int {
	need := set.Connections() + workload.PlatformConnections
	for _, t := range s.Tenants {
		need += t.Connections()
	}
	return need
}

func limits(s settings.Settings, p Plan) []Limit {
	most := s.Database.Connections
	if size, err := catalog.DatabaseBySize(p.Database.Size); err == nil {
		most = size.Connections
	}
	app := p.Workload.App
	out := []Limit{
		{LimitConnections, connections(s, p.Workload), most,
			fmt.Sprintf("%d replicas and %d in a rolling update × %d, %d active tenants by their plans, %d for the platform",
				app.Replicas, app.Surge, app.Connections, s.ActiveTenants(), workload.PlatformConnections)},
		{"certificates a week", 1, catalog.CertificatesPerNameSet,
			"one wildcard for all hosts; a stack that is torn down and brought up orders it again"},
	}
	for i, scenario := range p.Fit {
		if i == 0 {
			out = append(out, Limit{"memory for our Pods (MiB)", scenario.RequestedMiB, scenario.DocumentedMiB,
				"DigitalOcean's documented maximum for " + nodesText(p.Nodes.Size, p.Nodes.Count)})
		}
	}
	return out
}
