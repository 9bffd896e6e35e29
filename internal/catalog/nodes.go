package catalog

// Node is a Droplet size that DigitalOcean Kubernetes offers for its nodes.
type Node struct {
	Price
	// VCPU is the number of virtual CPUs. MemoryMiB is the Droplet's memory.
	VCPU, MemoryMiB int
	// AllocatableMilli (thousandths of a CPU) and AllocatableMiB (memory) are the
	// kubelet's allocatable, as observed. DigitalOcean's own Pods use part of it.
	AllocatableMilli, AllocatableMiB int
	// DocumentedMiB is DigitalOcean's documented maximum for the memory of all Pods
	// that the customer places on the node.
	DocumentedMiB int
	// TransferGiB is the outbound traffic a month, in GiB, that the price includes. An account
	// adds up what its Droplets include.
	TransferGiB int
	// PinOnly is true for sizes that not every region has, such as the AMD and Intel
	// variants. The solver does not propose them. settings.nodes.size may pin them.
	PinOnly bool
}

// Source of the rows below. Its author generated the list from GET /v2/sizes. A second
// source confirmed the common sizes a month later: see confirmed.
const (
	sizesSource = "GET /v2/sizes, as generated in sergeykuzmich/terraform-digitalocean-variables@97e31f6"
	sizesAsOf   = "2026-08-15"
)

// unpriced returns a node size without its price.
//
// Allocatable memory is the least that third parties observed on DigitalOcean Kubernetes. 2 GB:
// 1,499,744 KiB on 1.35.1 (2026; 1574 MiB in 2023). 4 GB: 3001 to 3031 MiB (2026; 3110 MiB in
// 2024). 8 GB: 6694 MiB in 2022, less the 109 MiB that 4 GB nodes have lost since (derived).
// 16 GB: no observation, so it is the documented maximum. A stack corrects it with
// settings.nodes.allocatableMemory.
//
// The documented maximum is from the page of Kubernetes limits of 2025-11-10.
func unpriced(vcpu, memoryGiB int) Node {
	n := Node{VCPU: vcpu, MemoryMiB: memoryGiB * 1024, AllocatableMilli: vcpu*1000 - 100, TransferGiB: includedTransfer(vcpu, memoryGiB)}
	switch memoryGiB {
	case 2:
		n.AllocatableMiB, n.DocumentedMiB = 1464, 1024
	case 4:
		n.AllocatableMiB, n.DocumentedMiB = 3001, 2560
	case 8:
		n.AllocatableMiB, n.DocumentedMiB = 6585, 6144
	case 16:
		n.AllocatableMiB, n.DocumentedMiB = 13312, 13312
	}
	return n
}

// includedTransfer returns a size's outbound traffic a month in GiB: DigitalOcean's table of
// Droplets of 2022-07-01, as copied in gist colinwilson/cd31bde012f6727b24b2fc4ebee749c0 (the
// sizes s-* up to 8 GB, and c-2). The table has no larger or other size with less than these.
func includedTransfer(vcpu, memoryGiB int) int {
	switch {
	case memoryGiB > 4:
		return 5000
	case memoryGiB > 2:
		return 4000
	case vcpu > 1:
		return 3000
	}
	return 2000
}

// node returns a row. vcpu is the number of virtual CPUs, usd the price per month.
func node(sku string, vcpu, memoryGiB int, usd int64) Node {
	n := unpriced(vcpu, memoryGiB)
	n.Price = Price{SKU: sku, Unit: dollars(usd), Source: sizesSource, AsOf: sizesAsOf, Confidence: ThirdParty}
	return n
}

// confirmed returns a row whose price was read again on a date (YYYY-MM-DD). The date
// belongs to the row, so reading one price again does not redate the others.
//
//nolint:unparam // the rows that are confirmed have one date until one is read again
func confirmed(asOf string, n Node) Node {
	n.Source, n.AsOf = sizesSource+"; the same in a second third party's list", asOf
	return n
}

// pinOnly returns a row that the solver does not propose.
func pinOnly(n Node) Node {
	n.PinOnly = true
	return n
}

// nodes is sorted by price. DigitalOcean Kubernetes has no node with less than 2 GB.
var nodes = []Node{
	node("s-1vcpu-2gb", 1, 2, 12),
	pinOnly(node("s-1vcpu-2gb-amd", 1, 2, 14)),
	pinOnly(node("s-1vcpu-2gb-intel", 1, 2, 14)),
	pinOnly(node("s-1vcpu-2gb-70gb-intel", 1, 2, 16)),
	node("s-2vcpu-2gb", 2, 2, 18),
	pinOnly(node("s-2vcpu-2gb-amd", 2, 2, 21)),
	pinOnly(node("s-2vcpu-2gb-intel", 2, 2, 21)),
	pinOnly(node("s-2vcpu-2gb-90gb-intel", 2, 2, 24)),
	confirmed("2026-09-27", node("s-2vcpu-4gb", 2, 4, 24)),
	pinOnly(node("s-2vcpu-4gb-amd", 2, 4, 28)),
	pinOnly(node("s-2vcpu-4gb-intel", 2, 4, 28)),
	pinOnly(node("s-2vcpu-4gb-120gb-intel", 2, 4, 32)),
	pinOnly(node("s-2vcpu-8gb-amd", 2, 8, 42)),
	node("c-2", 2, 4, 42),
	pinOnly(node("c2-2vcpu-4gb", 2, 4, 47)),
	confirmed("2026-09-27", node("s-4vcpu-8gb", 4, 8, 48)),
	pinOnly(node("s-2vcpu-8gb-160gb-intel", 2, 8, 48)),
	pinOnly(node("s-4vcpu-8gb-amd", 4, 8, 56)),
	pinOnly(node("s-4vcpu-8gb-intel", 4, 8, 56)),
	node("g-2vcpu-8gb", 2, 8, 63),
	pinOnly(node("s-4vcpu-8gb-240gb-intel", 4, 8, 64)),
	pinOnly(node("gd-2vcpu-8gb", 2, 8, 68)),
	node("c-4", 4, 8, 84),
	confirmed("2026-09-27", node("m-2vcpu-16gb", 2, 16, 84)),
	pinOnly(node("s-4vcpu-16gb-amd", 4, 16, 84)),
	confirmed("2026-09-27", node("s-8vcpu-16gb", 8, 16, 96)),
}
