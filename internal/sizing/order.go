package sizing

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// inAnyOrder returns an error if, in some order of scheduling, a Pod could find no node.
//
// Small Pods that are scheduled first spread over the nodes and may leave no node with
// room for a large one. The real scheduler refused one in a hundred plans that had been
// checked in one order only (sandbox/cluster/scheduler). Let B be what the other Pods
// request in total, and F what a node has free beside this Pod. Others block a node only
// if they use more than F there, so at most B/(F+1) nodes are blocked, for memory and for
// CPU alike. If both together are fewer than the nodes, one node always has room.
// The bound grows with every request, so a larger workload never gets a cheaper plan.
func inAnyOrder(name string, once, each []pod, size catalog.Node, count int) error {
	systemEach, systemOnce := systemPods()
	taken := sum(slices.Concat(systemEach, each))
	room := workload.Resources{MilliCPU: size.AllocatableMilli - taken.MilliCPU, MiB: size.AllocatableMiB - taken.MiB}
	total := sum(slices.Concat(systemOnce, once))
	for _, p := range once {
		without := blocked(total.MiB-p.needs.MiB, room.MiB-p.needs.MiB) +
			blocked(total.MilliCPU-p.needs.MilliCPU, room.MilliCPU-p.needs.MilliCPU)
		if without >= count {
			return &MisfitError{name, fmt.Sprintf("%s needs %s CPU and %s in one piece, and what comes before it may leave that on no %s of %d",
				p.name, p.needs.CPU(), p.needs.Memory(), size.SKU, count)}
		}
	}
	return nil
}

// blocked returns how many nodes the other Pods can block: B/(F+1), see inAnyOrder.
func blocked(others, free int) int { return others / (max(free, 0) + 1) }

func sum(pods []pod) workload.Resources {
	var out workload.Resources
	for _, p := range pods {
		out = out.Plus(p.needs)
	}
	return out
}
