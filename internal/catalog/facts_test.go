package catalog_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// What DigitalOcean's lists say, written down a second time: a wrong digit in the catalogue
// would buy the wrong sizes. `make golden` does not rewrite it.

// sizes has the virtual CPUs, the memory in GiB, the dollars a month, and the outbound traffic in
// GiB that is included. Nothing else of a size needs a row: the rest follows from these.
var sizes = map[string][4]int{
	"s-1vcpu-2gb": {1, 2, 12, 2000}, "s-1vcpu-2gb-amd": {1, 2, 14, 2000}, "s-1vcpu-2gb-intel": {1, 2, 14, 2000}, "s-1vcpu-2gb-70gb-intel": {1, 2, 16, 2000},
	"s-2vcpu-2gb": {2, 2, 18, 3000}, "s-2vcpu-2gb-amd": {2, 2, 21, 3000}, "s-2vcpu-2gb-intel": {2, 2, 21, 3000}, "s-2vcpu-2gb-90gb-intel": {2, 2, 24, 3000},
	"s-2vcpu-4gb": {2, 4, 24, 4000}, "s-2vcpu-4gb-amd": {2, 4, 28, 4000}, "s-2vcpu-4gb-intel": {2, 4, 28, 4000}, "s-2vcpu-4gb-120gb-intel": {2, 4, 32, 4000},
	"c-2": {2, 4, 42, 4000}, "c2-2vcpu-4gb": {2, 4, 47, 4000},
	"s-2vcpu-8gb-amd": {2, 8, 42, 5000}, "s-2vcpu-8gb-160gb-intel": {2, 8, 48, 5000},
	"s-4vcpu-8gb": {4, 8, 48, 5000}, "s-4vcpu-8gb-amd": {4, 8, 56, 5000}, "s-4vcpu-8gb-intel": {4, 8, 56, 5000}, "s-4vcpu-8gb-240gb-intel": {4, 8, 64, 5000},
	"g-2vcpu-8gb": {2, 8, 63, 5000}, "gd-2vcpu-8gb": {2, 8, 68, 5000}, "c-4": {4, 8, 84, 5000},
	"m-2vcpu-16gb": {2, 16, 84, 5000}, "s-4vcpu-16gb-amd": {4, 16, 84, 5000}, "s-8vcpu-16gb": {8, 16, 96, 5000},
}

// memory has the allocatable and the documented MiB of a node by its GiB.
var memory = map[int][2]int{2: {1464, 1024}, 4: {3001, 2560}, 8: {6585, 6144}, 16: {13312, 13312}}

func TestNodesAreThoseOfTheLists(t *testing.T) {
	assert.Len(t, catalog.Nodes(), len(sizes))
	for _, n := range catalog.Nodes() {
		row := sizes[n.SKU]
		assert.Equal(t, row, [4]int{n.VCPU, n.MemoryMiB / 1024, int(n.Unit) / 100, n.TransferGiB}, n.SKU)
		assert.Equal(t, memory[row[1]], [2]int{n.AllocatableMiB, n.DocumentedMiB}, n.SKU)
		assert.Equal(t, 1000*row[0]-100, n.AllocatableMilli, "%s: the kubelet reserves a tenth of a CPU", n.SKU)
		// The slug has the CPUs and the memory, but for two families.
		if cpus, rest, ok := strings.Cut(n.SKU[strings.Index(n.SKU, "-")+1:], "vcpu-"); ok {
			gib, _, _ := strings.Cut(rest, "gb")
			assert.Equal(t, []string{strconv.Itoa(row[0]), strconv.Itoa(row[1])}, []string{cpus, gib}, n.SKU)
		}
		// Regions without these families would get a plan that cannot be created.
		special := strings.HasSuffix(n.SKU, "-amd") || strings.HasSuffix(n.SKU, "-intel") || n.SKU == "c2-2vcpu-4gb" || n.SKU == "gd-2vcpu-8gb"
		assert.Equal(t, special, n.PinOnly, n.SKU)
	}
}

func TestDatabasesAreThoseOfTheLists(t *testing.T) {
	// GiB of memory, cents a month, GiB of disk, most nodes.
	rows := map[string][4]int{
		"db-s-1vcpu-1gb": {1, 1515, 10, 1}, "db-s-1vcpu-2gb": {2, 3045, 25, 3}, "db-s-2vcpu-4gb": {4, 6090, 38, 3}, "db-s-4vcpu-8gb": {8, 12180, 115, 3},
	}
	assert.Len(t, catalog.Databases(), len(rows))
	for _, d := range catalog.Databases() {
		row := rows[d.SKU]
		assert.True(t, strings.HasSuffix(d.SKU, fmt.Sprintf("-%dgb", row[0])), d.SKU)
		assert.Equal(t, 25*row[0]-3, d.Connections, "%s: 25 for each GiB, less 3 that DigitalOcean reserves", d.SKU)
		assert.Equal(t, [3]int{row[1], row[2], row[3]}, [3]int{int(d.Unit), d.StorageGiB, d.MaxNodes}, d.SKU)
		assert.Equal(t, row[2]*1024*7/10, d.TenantsMiB(), d.SKU)
	}
}

func TestOtherPricesAreThoseOfTheLists(t *testing.T) {
	cents := map[string]budget.Cents{
		"lb-regional": 1200, "lb-regional-network": 1500, "doks-ha-control-plane": 4000, "uptime-check": 100, "volume-gib": 10, "snapshot-gib": 6, "transfer-gib": 1,
	}
	for _, p := range catalog.Prices() {
		if want, ok := cents[p.SKU]; ok {
			assert.Equal(t, want, p.Unit, p.SKU)
			delete(cents, p.SKU)
		}
	}
	assert.Empty(t, cents, "prices that the catalogue lacks")
}

// A date belongs to a price: a new date without a new reading would hide that a price is old.
func TestPricesWereReadOnTheirDates(t *testing.T) {
	confirmed := []string{"s-2vcpu-4gb", "s-4vcpu-8gb", "m-2vcpu-16gb", "s-8vcpu-16gb", "lb-regional", "doks-ha-control-plane", "volume-gib"}
	others := map[string]string{"lb-regional-network": "2025-12-05", "snapshot-gib": "2025-12-05", "uptime-check": "2026-03-27", "transfer-gib": "2025-12-05"}
	for _, p := range catalog.Prices() {
		want := "2026-08-15"
		switch other, ok := others[p.SKU]; {
		case ok:
			want = other
		case slices.Contains(confirmed, p.SKU):
			want = "2026-09-27"
		case strings.HasPrefix(p.SKU, "db-"):
			want = "2026-09-20"
		}
		assert.Equal(t, want, p.AsOf, p.SKU)
	}
}

func TestQuotasAreThoseOfTheProviders(t *testing.T) {
	assert.Equal(t, []int{110, 512, 15, 16 << 10, 200}, []int{
		catalog.PodsPerNode, catalog.NodesPerCluster, catalog.VolumesPerNode, catalog.VolumeGiB, catalog.LoadBalancerNodes,
	}, "Pods and volumes of a node, nodes of a cluster, GiB of a volume, nodes of a load balancer")
	assert.Equal(t, []int{50, 5}, []int{catalog.CertificatesPerWeek, catalog.CertificatesPerNameSet})
}

// An operator corrects these figures by kubectl describe node (docs/operations.md).
func TestSystemPodsRequestWhatWasObserved(t *testing.T) {
	milli, mib := map[bool]int{}, map[bool]int{}
	for _, p := range catalog.SystemPods() {
		assert.Equal(t, p.PerNode, p.Replicas == 0, p.Name)
		milli[p.PerNode] += p.MilliCPU * max(1, p.Replicas)
		mib[p.PerNode] += p.MiB * max(1, p.Replicas)
	}
	assert.Equal(t, map[bool]int{true: 500 + 100 + 102, false: 2*100 + 100}, milli, "CPU of each node, and of the cluster")
	assert.Equal(t, map[bool]int{true: 410 + 75 + 80 + 125, false: 2*170 + 144}, mib, "MiB of each node, and of the cluster")
}
