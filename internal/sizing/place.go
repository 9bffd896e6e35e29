package sizing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// pod is a Pod to place, as often as it has replicas.
type pod struct {
	name    string
	request components.Resources
	volumes int
	// replicas is 1 for a Pod of each node.
	replicas int
	// spread is true if the scheduler prefers the node with the fewest Pods of this name.
	spread bool
}

// pods are the Pods to place.
type pods struct {
	// replicated Pods may run on any node.
	replicated []pod
	// perNode Pods run on each node.
	perNode []pod
}

// NodeFit is one node after placement.
type NodeFit struct {
	// Pods is the number of Pods on the node, DigitalOcean's own included.
	Pods int
	// Free is the observed allocatable less the requests of these Pods.
	Free components.Resources

	volumes int
}

// Scenario is a placement of all Pods in one situation of the cluster.
type Scenario struct {
	// Name is "steady", "rolling update" or "one node gone".
	Name string
	// Nodes are the nodes with what is left on each.
	Nodes []NodeFit
	// RequestedMiB is the memory that the platform's Pods request on all nodes. It does
	// not include DigitalOcean's Pods. DocumentedMiB is DigitalOcean's documented
	// maximum for it.
	RequestedMiB, DocumentedMiB int
}

// Free returns the sum of what is left on all nodes.
func (s Scenario) Free() components.Resources {
	var sum components.Resources
	for _, n := range s.Nodes {
		sum = sum.Plus(n.Free)
	}
	return sum
}

// MisfitError is the error of a workload that does not fit.
type MisfitError struct {
	// Scenario is the name of the scenario in which it does not fit.
	Scenario string
	// Reason says which Pod or sum does not fit, and how much there is.
	Reason string
}

func (e *MisfitError) Error() string { return fmt.Sprintf("%s: %s", e.Scenario, e.Reason) }

// place places every Pod of a workload on equal nodes. With surge it adds the Pods of a
// rolling update. It returns a *MisfitError if a Pod finds no node, or could find none in
// another order of scheduling.
func place(scenario string, set workload.Set, size catalog.Node, count int, surge bool) (Scenario, error) {
	w := podsOf(set, surge)
	s, err := placeLargestFirst(scenario, w, size, count)
	if err != nil {
		return s, err
	}
	return s, checkAnyOrder(scenario, w, size, count)
}

// placeLargestFirst places the Pods like the Kubernetes scheduler by default: on the node
// that has the most memory left. The same Pods always get the same placement.
func placeLargestFirst(scenario string, w pods, size catalog.Node, count int) (Scenario, error) {
	s := Scenario{Name: scenario, Nodes: make([]NodeFit, count), DocumentedMiB: size.DocumentedMiB * count}
	s.RequestedMiB = sum(w.replicated).MiB + sum(w.perNode).MiB*count
	if s.RequestedMiB > s.DocumentedMiB {
		return s, &MisfitError{scenario, fmt.Sprintf("our Pods request %d MiB, and DigitalOcean documents at most %d MiB for Pods on %s",
			s.RequestedMiB, s.DocumentedMiB, nodesText(size.SKU, count))}
	}
	system := systemPods()
	for i := range s.Nodes {
		s.Nodes[i] = NodeFit{Free: components.Resources{MilliCPU: size.AllocatableMilli, MiB: size.AllocatableMiB}}
		for _, p := range slices.Concat(system.perNode, w.perNode) {
			if !s.Nodes[i].fits(p) {
				return s, &MisfitError{scenario, p.noNode(s.Nodes, size.SKU)}
			}
			s.Nodes[i].add(p)
		}
	}
	for _, p := range slices.Concat(system.replicated, w.replicated) {
		if !placeEqual(s.Nodes, p, p.replicas) {
			return s, &MisfitError{scenario, p.noNode(s.Nodes, size.SKU)}
		}
	}
	return s, nil
}

func (n *NodeFit) fits(p pod) bool {
	return n.Free.MilliCPU >= p.request.MilliCPU && n.Free.MiB >= p.request.MiB &&
		n.Pods < catalog.PodsPerNode && n.volumes+p.volumes <= catalog.VolumesPerNode
}

func (n *NodeFit) add(p pod) {
	n.Pods++
	n.volumes += p.volumes
	n.Free.MilliCPU -= p.request.MilliCPU
	n.Free.MiB -= p.request.MiB
}

// noNode returns the reason of a MisfitError for a Pod that fits on none of the nodes.
func (p pod) noNode(nodes []NodeFit, size string) string {
	var most components.Resources
	for _, n := range nodes {
		if n.Free.MiB >= most.MiB {
			most = n.Free
		}
	}
	return fmt.Sprintf("%s requests %s CPU and %s of memory, and no %s node has that left (at most %s CPU and %s)",
		p.name, p.request.CPU(), p.request.Memory(), size, most.CPU(), most.Memory())
}

// podsOf returns the workload's Pods, those with the largest memory request first. With
// surge it includes the Pods that a rolling update adds.
func podsOf(set workload.Set, surge bool) pods {
	var out pods
	for w := range set.All() {
		p := pod{name: w.Name, request: w.Request, replicas: w.Replicas, spread: w.Spread}
		if w.VolumeGiB > 0 {
			p.volumes = 1
		}
		if w.Kind == workload.DaemonSet {
			p.replicas = 1
			out.perNode = append(out.perNode, p)
			continue
		}
		out.replicated = append(out.replicated, p)
		if surge && w.Surge > 0 {
			// Kubernetes spreads the Pods of a new revision among themselves only.
			p.spread, p.replicas = false, w.Surge
			out.replicated = append(out.replicated, p)
		}
	}
	slices.SortStableFunc(out.replicated, func(a, b pod) int {
		return cmp.Or(cmp.Compare(b.request.MiB, a.request.MiB), cmp.Compare(a.name, b.name))
	})
	return out
}

// systemPods returns DigitalOcean's own Pods.
func systemPods() pods {
	var out pods
	for _, s := range catalog.SystemPods() {
		p := pod{name: s.Name, request: components.Resources{MilliCPU: s.MilliCPU, MiB: s.MiB}, replicas: s.Replicas}
		if s.PerNode {
			p.replicas = 1
			out.perNode = append(out.perNode, p)
			continue
		}
		out.replicated = append(out.replicated, p)
	}
	return out
}

// nodesText returns, for example, "2 × s-2vcpu-4gb".
func nodesText(size string, count int) string { return fmt.Sprintf("%d × %s", count, size) }

// sum returns the requests of all replicas.
func sum(pods []pod) components.Resources {
	var out components.Resources
	for _, p := range pods {
		out = out.Plus(components.Resources{MilliCPU: p.replicas * p.request.MilliCPU, MiB: p.replicas * p.request.MiB})
	}
	return out
}
