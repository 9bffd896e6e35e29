package sizing

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// inAnyOrder shows that no Pod is left without a node, whatever came before it.
//
// Small Pods that come first spread over the nodes, and may leave no room for a
// large one in one piece; the real scheduler refused one plan in a hundred that
// was placed in one order only (sandbox/scheduler). A Pod finds no node when each
// lacks memory or CPU for it. A node lacks memory for it only when others hold
// more than what is left beside it, and all others together hold what they hold:
// so at most that many nodes can lack it. When fewer than all can, one has room.
// The bound grows with every demand, so that more workload never costs less.
func inAnyOrder(name string, once, each []pod, size catalog.Node, count int) error {
	systemEach, systemOnce := systemPods()
	taken := sum(slices.Concat(systemEach, each))
	room := workload.Resources{MilliCPU: size.AllocatableMilli - taken.MilliCPU, MiB: size.AllocatableMiB - taken.MiB}
	total := sum(slices.Concat(systemOnce, once))
	for _, p := range once {
		lack := lacking(total.MiB-p.needs.MiB, room.MiB-p.needs.MiB) +
			lacking(total.MilliCPU-p.needs.MilliCPU, room.MilliCPU-p.needs.MilliCPU)
		if lack >= count {
			return &MisfitError{name, fmt.Sprintf("%s needs %s CPU and %s in one piece, and what comes before it may leave that on no %s of %d",
				p.name, p.needs.CPU(), p.needs.Memory(), size.SKU, count)}
		}
	}
	return nil
}

// lacking is how many nodes can be filled beyond what is left beside a Pod when
// all others together need that much.
func lacking(others, beside int) int { return others / (max(beside, 0) + 1) }

func sum(pods []pod) workload.Resources {
	var out workload.Resources
	for _, p := range pods {
		out = out.Plus(p.needs)
	}
	return out
}
