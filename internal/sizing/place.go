package sizing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// pod is one Pod to place.
type pod struct {
	name    string
	needs   workload.Resources
	volumes int
	spread  bool
}

// NodeFit is one node after placement.
type NodeFit struct {
	// Pods counts what runs there, DigitalOcean's own Pods included.
	Pods int
	// Free is what is left of the observed allocatable: the headroom.
	Free workload.Resources

	volumes int
	spread  map[string]int
}

// Scenario is one state of the cluster in which everything has to fit.
type Scenario struct {
	// Name says which: "steady", "rolling update" or "one node gone".
	Name string
	// Nodes are what is left on each node.
	Nodes []NodeFit
	// RequestedMiB is the memory that our Pods request together, DocumentedMiB
	// the most that DigitalOcean documents for them.
	RequestedMiB, DocumentedMiB int
}

// Free is the headroom of all nodes together.
func (s Scenario) Free() workload.Resources {
	var sum workload.Resources
	for _, n := range s.Nodes {
		sum = sum.Plus(n.Free)
	}
	return sum
}

// MisfitError says what does not fit where.
type MisfitError struct {
	Scenario, Reason string
}

func (e *MisfitError) Error() string { return fmt.Sprintf("%s: %s", e.Scenario, e.Reason) }

// place puts every Pod on some node as the Kubernetes scheduler would by default:
// on the node with the most left, the largest Pod first. It is deterministic.
// That there is room in whatever order the Pods come is shown beside it.
func place(name string, set workload.Set, size catalog.Node, count int, surge bool) (Scenario, error) {
	once, each := podsOf(set, surge)
	s, err := placeInOrder(name, once, each, size, count)
	if err != nil {
		return s, err
	}
	return s, inAnyOrder(name, once, each, size, count)
}

func placeInOrder(name string, once, each []pod, size catalog.Node, count int) (Scenario, error) {
	s := Scenario{Name: name, Nodes: make([]NodeFit, count), DocumentedMiB: size.DocumentedMiB * count}
	s.RequestedMiB = sum(once).MiB + sum(each).MiB*count
	if s.RequestedMiB > s.DocumentedMiB {
		return s, &MisfitError{name, fmt.Sprintf("our Pods request %d MiB, and DigitalOcean documents at most %d MiB for Pods on %s",
			s.RequestedMiB, s.DocumentedMiB, nodesText(size.SKU, count))}
	}
	systemEach, systemOnce := systemPods()
	for i := range s.Nodes {
		s.Nodes[i] = NodeFit{Free: workload.Resources{MilliCPU: size.AllocatableMilli, MiB: size.AllocatableMiB}, spread: map[string]int{}}
		for _, p := range slices.Concat(systemEach, each) {
			if !s.Nodes[i].take(p) {
				return s, &MisfitError{name, p.refused(s.Nodes, size.SKU)}
			}
		}
	}
	for _, p := range slices.Concat(systemOnce, once) {
		best := s.best(p)
		if best < 0 {
			return s, &MisfitError{name, p.refused(s.Nodes, size.SKU)}
		}
		s.Nodes[best].take(p)
	}
	return s, nil
}

// best is the index of the node with the most left that may take the Pod.
func (s Scenario) best(p pod) int {
	least := s.leastOf(p.name)
	best := -1
	for i := range s.Nodes {
		if !s.Nodes[i].fits(p) || p.spread && s.Nodes[i].spread[p.name] > least {
			continue
		}
		if best < 0 || s.Nodes[i].Free.MiB > s.Nodes[best].Free.MiB {
			best = i
		}
	}
	return best
}

func (s Scenario) leastOf(name string) int {
	least := s.Nodes[0].spread[name]
	for _, n := range s.Nodes[1:] {
		least = min(least, n.spread[name])
	}
	return least
}

func (n *NodeFit) fits(p pod) bool {
	return n.Free.MilliCPU >= p.needs.MilliCPU && n.Free.MiB >= p.needs.MiB &&
		n.Pods < catalog.PodsPerNode && n.volumes+p.volumes <= catalog.VolumesPerNode
}

func (n *NodeFit) take(p pod) bool {
	if !n.fits(p) {
		return false
	}
	n.Pods++
	n.volumes += p.volumes
	n.Free.MilliCPU -= p.needs.MilliCPU
	n.Free.MiB -= p.needs.MiB
	if p.spread {
		n.spread[p.name]++
	}
	return true
}

func (p pod) refused(nodes []NodeFit, size string) string {
	var most workload.Resources
	for _, n := range nodes {
		if n.Free.MiB >= most.MiB {
			most = n.Free
		}
	}
	return fmt.Sprintf("%s needs %s CPU and %s of memory, and no %s has that left (most: %s, %s)",
		p.name, p.needs.CPU(), p.needs.Memory(), size, most.CPU(), most.Memory())
}

// podsOf lists the set's Pods, largest first, and those that run on each node.
func podsOf(set workload.Set, surge bool) (once, each []pod) {
	for w := range set.All() {
		p := pod{name: w.Name, needs: w.Request, spread: w.Spread}
		if w.VolumeGiB > 0 {
			p.volumes = 1
		}
		if w.Kind == workload.DaemonSet {
			each = append(each, p)
			continue
		}
		for range w.Replicas {
			once = append(once, p)
		}
		if surge {
			// The Pods of a new revision are spread among themselves only.
			p.spread = false
			for range w.Surge {
				once = append(once, p)
			}
		}
	}
	slices.SortStableFunc(once, func(a, b pod) int {
		return cmp.Or(cmp.Compare(b.needs.MiB, a.needs.MiB), cmp.Compare(a.name, b.name))
	})
	return once, each
}

func systemPods() (each, once []pod) {
	for _, s := range catalog.SystemPods() {
		p := pod{name: s.Name, needs: workload.Resources{MilliCPU: s.MilliCPU, MiB: s.MiB}}
		if s.PerNode {
			each = append(each, p)
			continue
		}
		for range s.Replicas {
			once = append(once, p)
		}
	}
	return each, once
}

func nodesText(size string, count int) string { return fmt.Sprintf("%d × %s", count, size) }
