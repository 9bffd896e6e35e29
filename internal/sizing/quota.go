package sizing

import (
	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// ingressPorts is the number of ports of Traefik's Service: 80 and 443.
const ingressPorts = 2

// Quotas returns the quota of each namespace of the plan, nil for an existing cluster: its
// nodes are not known, and its load balancers and volumes are not on the bill.
//
// Claims, volumes and load balancers are those of the bill. Requests are the larger of two sums:
//
//   - What the namespace's Pods request at most: those of the plan, those that a rolling update
//     adds, and as many again that are stopping. A Pod counts until it has stopped.
//   - What the nodes have, less what the Pods of DigitalOcean and of other namespaces request.
//     While an update makes the app smaller, its old and larger Pods still run. They must not
//     keep the new ones out if there is room.
func (p Plan) Quotas() components.Quotas {
	if len(p.Fit) == 0 {
		return nil
	}
	out, steady := components.Quotas{}, map[string]components.Resources{}
	room := p.room()
	for w := range p.Workload.All() {
		pods, most := w.Replicas, 2*w.Replicas+w.Surge
		if w.Kind == workload.DaemonSet {
			// While `ops resize` moves the Pods, the old nodes and the new ones exist.
			pods, most = p.Nodes.Count, 2*p.Nodes.Count+1
		}
		q := out[w.Namespace]
		q.Request = q.Request.Plus(times(w.Request, most))
		if w.VolumeGiB > 0 {
			q.Claims += w.Replicas
			q.VolumeGiB += w.VolumeGiB * w.Replicas
		}
		out[w.Namespace] = q
		steady[w.Namespace] = steady[w.Namespace].Plus(times(w.Request, pods))
		room = room.Plus(times(w.Request, -pods))
	}
	for namespace, q := range out {
		switch namespace {
		case workload.IngressNamespace:
			q.LoadBalancers, q.NodePorts = p.loadBalancers(), ingressPorts
		case workload.CertManagerNamespace:
			q.Request = q.Request.Plus(p.Workload.Webhook.Request) // the chart's startup check
		}
		free := steady[namespace].Plus(room)
		q.Request = components.Resources{MilliCPU: max(q.Request.MilliCPU, free.MilliCPU), MiB: max(q.Request.MiB, free.MiB)}
		out[namespace] = q
	}
	return out
}

// room returns what all nodes have for Pods, less what DigitalOcean's own Pods request.
func (p Plan) room() components.Resources {
	room := times(components.Resources{MilliCPU: p.node.AllocatableMilli, MiB: p.node.AllocatableMiB}, p.Nodes.Count)
	for _, system := range catalog.SystemPods() {
		pods := system.Replicas
		if system.PerNode {
			pods = p.Nodes.Count
		}
		room = room.Plus(times(components.Resources{MilliCPU: system.MilliCPU, MiB: system.MiB}, -pods))
	}
	return room
}

// loadBalancers returns the number of Services with a load balancer on the bill.
func (p Plan) loadBalancers() int {
	n := 0
	for _, line := range p.Bill {
		if line.Item == budget.ItemLoadBalancer {
			n++
		}
	}
	return n
}

func times(r components.Resources, n int) components.Resources {
	return components.Resources{MilliCPU: r.MilliCPU * n, MiB: r.MiB * n}
}
