package settings

import (
	"cmp"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/genericcorp/platform/internal/catalog"
)

// Nodes pins what the solver would choose, and corrects what it knows of a node. The solver keeps a pinned value and checks that
// the load fits.
type Nodes struct {
	// Size is a Droplet size for all nodes; empty lets the solver choose.
	// Default: empty.
	// Values: a size of internal/catalog, such as s-2vcpu-4gb.
	// Cost: the size's price for each node.
	// Change: needs `ops resize` first; an update alone is refused.
	Size string `yaml:"size"`
	// Count is the number of nodes; 0 lets the solver choose.
	// Default: 0.
	// Values: 0 to 512.
	// Cost: the price of a node for each.
	// Change: in place.
	Count int `yaml:"count"`
	// AllocatableMemory corrects the memory that the plan counts on a node, by the node's size. A size
	// without an entry has the figure of internal/catalog. docs/operations.md says how to read it from
	// a cluster.
	// Default: none.
	// Values: a Kubernetes quantity for a size, such as `s-2vcpu-4gb: 3010Mi`.
	// Change: nothing is created or changed; the next plan counts with it.
	AllocatableMemory map[string]string `yaml:"allocatableMemory"`
}

// AllocatableMiB returns the allocatable memory that the settings have for a node size, rounded
// down, and whether they have it.
func (n Nodes) AllocatableMiB(size string) (int, bool) {
	text, ok := n.AllocatableMemory[size]
	if !ok {
		return 0, false
	}
	const mib = 1 << 20
	q := resource.MustParse(text)
	return int(q.Value() / mib), true
}

// validateAllocatable allows at most the memory of the node.
func (n Nodes) validateAllocatable(f *Faults) {
	for size, text := range n.AllocatableMemory {
		path := "nodes.allocatableMemory." + size
		node, err := catalog.NodeBySize(size)
		if err != nil {
			f.add(path, "%v", err)
			continue
		}
		memoryQuantities.within(f, path, cmp.Or(text, "nothing"))
		if f.wrong(path) {
			continue
		}
		if mib, _ := n.AllocatableMiB(size); mib < node.MemoryMiB/4 || mib > node.MemoryMiB {
			f.add(path, "%q is not between a quarter and all of the node's memory, %dMi", text, node.MemoryMiB)
		}
	}
}
