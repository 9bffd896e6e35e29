package sizing

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/catalog"
)

// checkAnyOrder returns a *MisfitError if, in some order of scheduling, a Pod could find
// no node.
//
// Small Pods that are scheduled first spread over the nodes and may leave no node with
// room for a large one. The real scheduler refused one in a hundred plans that had been
// checked in one order only (sandbox/cluster/scheduler).
//
// Let B be what the other Pods request in total, and F what a node has free beside this
// Pod. Others block a node only if they use more than F there, so they block at most
// B/(F+1) nodes. This holds for memory and for CPU. If both numbers together are below
// the node count, one node always has room.
//
// The number of blocked nodes rises with every request, so a larger workload never gets a
// cheaper plan.
func checkAnyOrder(scenario string, w pods, size catalog.Node, count int) error {
	system := systemPods()
	perNode := sum(slices.Concat(system.perNode, w.perNode))
	room := components.Resources{MilliCPU: size.AllocatableMilli - perNode.MilliCPU, MiB: size.AllocatableMiB - perNode.MiB}
	total := sum(slices.Concat(system.replicated, w.replicated))
	for _, p := range w.replicated {
		blocked := blockedNodes(total.MiB-p.request.MiB, room.MiB-p.request.MiB) +
			blockedNodes(total.MilliCPU-p.request.MilliCPU, room.MilliCPU-p.request.MilliCPU)
		if blocked >= count {
			return &MisfitError{scenario, fmt.Sprintf("%s requests %s CPU and %s of memory; it is possible that other Pods leave that on none of %s",
				p.name, p.request.CPU(), p.request.Memory(), nodesText(size.SKU, count))}
		}
	}
	return nil
}

// blockedNodes returns B/(F+1) of checkAnyOrder.
func blockedNodes(others, free int) int { return others / (max(free, 0) + 1) }

// sum returns the requests of all replicas.
func sum(pods []pod) components.Resources {
	var out components.Resources
	for _, p := range pods {
		out = out.Plus(components.Resources{MilliCPU: p.replicas * p.request.MilliCPU, MiB: p.replicas * p.request.MiB})
	}
	return out
}
