package sizing

import (
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
)

// Items of a bill: what the stack uses the priced thing for.
const (
	ItemNodes        = "nodes"
	ItemHA           = "HA control plane"
	ItemDatabase     = "database"
	ItemLoadBalancer = "load balancer"
	ItemVolumes      = "volumes (GiB)"
)

// bill prices a plan. What runs on an existing cluster or an external database
// is not ours to pay.
func bill(s settings.Settings, p Plan) budget.Bill {
	var b budget.Bill
	if node, err := catalog.NodeBySize(p.Nodes.Size); err == nil {
		b = append(b, node.Line(ItemNodes, p.Nodes.Count))
		if s.Cluster.HA {
			b = append(b, catalog.HAControlPlane.Line(ItemHA, 1))
		}
	}
	if size, err := catalog.DatabaseBySize(p.Database.Size); err == nil {
		b = append(b, size.Line(ItemDatabase, p.Database.Nodes))
	}
	if s.Cluster.Kind == settings.DigitalOcean {
		b = append(b, catalog.LoadBalancer.Line(ItemLoadBalancer, 1),
			catalog.BlockStorage.Line(ItemVolumes, p.Workload.VolumeGiB()))
	}
	return b
}
