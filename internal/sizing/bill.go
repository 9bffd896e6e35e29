package sizing

import (
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
)

// bill returns the bill of a plan. It has no line for an existing cluster or an external
// database: the platform does not pay for them.
func bill(s settings.Settings, p Plan) budget.Bill {
	var b budget.Bill
	if s.Cluster.Kind == settings.DigitalOcean {
		b = append(b, p.node.Line(budget.ItemNodes, p.Nodes.Count))
		if s.Cluster.HA {
			b = append(b, catalog.HAControlPlane.Line(budget.ItemHA, 1))
		}
	}
	if s.Database.Kind == settings.DigitalOcean {
		b = append(b, p.database.Line(budget.ItemDatabase, p.Database.Nodes))
	}
	if s.Cluster.Kind == settings.DigitalOcean {
		b = append(b, catalog.LoadBalancer.Line(budget.ItemLoadBalancer, 1),
			catalog.BlockStorage.Line(budget.ItemVolumes, p.Workload.VolumeGiB()))
		if checks := len(s.Alerts.DigitalOcean.Uptime); checks > 0 {
			b = append(b, catalog.UptimeCheck.Line(budget.ItemUptime, checks))
		}
	}
	return b
}
