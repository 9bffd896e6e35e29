package sizing

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/catalog"
)

// resources is what a Pod takes of a node, or what a node has: CPU in millicores, memory in
// MiB, Pods and volumes.
type resources [4]int

func (p pod) resources() resources {
	return resources{p.request.MilliCPU, p.request.MiB, 1, p.volumes}
}

// roomOf returns what a node has left beside the Pods that run on each node.
func roomOf(size catalog.Node, perNode []pod) resources {
	room := resources{size.AllocatableMilli, size.AllocatableMiB, catalog.PodsPerNode, catalog.VolumesPerNode}
	for _, p := range perNode {
		for i, a := range p.resources() {
			room[i] -= a
		}
	}
	return room
}

// checkAnyOrder returns a *MisfitError if, in some order of scheduling, a Pod could find
// no node.
//
// Small Pods that are scheduled first spread over the nodes and may leave no node with
// room for a large one. The real scheduler refused one in a hundred plans that had been
// checked in one order only (sandbox/cluster/scheduler). blockedNodes returns how many
// nodes the other Pods can block at most. If that is below the node count, one node
// always has room.
//
// The number of blocked nodes rises with every request, so a larger workload never gets a
// cheaper plan.
func checkAnyOrder(scenario string, w pods, size catalog.Node, count int) error {
	system := systemPods()
	room := roomOf(size, slices.Concat(system.perNode, w.perNode))
	all := slices.Concat(system.replicated, w.replicated)
	// DigitalOcean's Pods are there before ours.
	for _, p := range w.replicated {
		if blockedNodes(all, p, room) >= count {
			return &MisfitError{scenario, fmt.Sprintf("%s requests %s CPU and %s of memory; it is possible that other Pods leave that on none of %s",
				p.name, p.request.CPU(), p.request.Memory(), nodesText(size.SKU, count))}
		}
	}
	return nil
}

// blockedNodes returns how many nodes can be without room for one Pod p when all other Pods
// of all are placed.
//
// Let F be what a node has free of a resource beside p. The others on a node block it if they
// use at least F+1 of one resource that p needs. So a Pod that requests R contributes at most
// min(R, F+1) / (F+1) of what blocks a node by this resource. Two numbers are never less than
// the nodes that are blocked, and the smaller one counts:
//   - the sum of these shares for each resource, rounded down, and added up over the resources;
//   - the sum of each Pod's largest share, rounded down: a Pod blocks one node only.
func blockedNodes(all []pod, p pod, room resources) int {
	blocks := resources{}
	whole := 1 // the common denominator of the shares
	for i, a := range p.resources() {
		if a > 0 {
			blocks[i] = max(room[i]-a, 0) + 1
			whole *= blocks[i]
		}
	}
	var byResource resources
	byPod := 0
	add := func(other pod, replicas int) {
		largest := 0
		for i, a := range other.resources() {
			if blocks[i] > 0 {
				share := min(a, blocks[i]) * (whole / blocks[i])
				byResource[i] += replicas * share
				largest = max(largest, share)
			}
		}
		byPod += replicas * largest
	}
	for _, other := range all {
		add(other, other.replicas)
	}
	add(p, -1)
	separately := 0
	for _, sum := range byResource {
		separately += sum / whole
	}
	return min(separately, byPod/whole)
}
