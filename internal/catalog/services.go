package catalog

import "github.com/genericcorp/platform/internal/budget"

func dollars(usd int64) budget.Cents { return budget.Cents(usd * 100) }

// Prices of what is neither a node nor a database.
var (
	// LoadBalancer is one node of a regional HTTP load balancer: 10,000 requests a
	// second, 10,000 connections, 250 new TLS connections a second.
	LoadBalancer = Price{SKU: "lb-regional", Unit: dollars(12),
		Source: "DigitalOcean load balancer pricing (2025-02-28), confirmed against the pricing page", AsOf: "2026-09-27"}
	// NetworkLoadBalancer is what a Service of type LoadBalancer gets from
	// DigitalOcean Kubernetes 1.33 on when no annotation asks for another kind.
	NetworkLoadBalancer = Price{SKU: "lb-regional-network", Unit: dollars(15),
		Source: "DigitalOcean load balancer pricing (2025-02-28), confirmed against the pricing page", AsOf: "2026-09-27"}
	// HAControlPlane cannot be turned off once it is on.
	HAControlPlane = Price{SKU: "doks-ha-control-plane", Unit: dollars(40),
		Source: "DigitalOcean Kubernetes pricing (2025-10-20), confirmed against the pricing page", AsOf: "2026-09-27"}
	// BlockStorage is a GiB of a volume; it is billed detached too.
	BlockStorage = Price{SKU: "volume-gib", Unit: 10,
		Source: "DigitalOcean volumes pricing (2025-11-14), confirmed against the pricing page", AsOf: "2026-09-27"}
)

// Database is a size of managed PostgreSQL.
type Database struct {
	Price
	// Connections is what a customer may open: 25 for each GiB less 3 that
	// DigitalOcean keeps (managed PostgreSQL limits, 2025-11-05).
	Connections int
	// StorageGiB is the disk that the price includes.
	StorageGiB int
	// MaxNodes is how many nodes, standby nodes included, the size may have.
	MaxNodes int
}

// databases is sorted by price. The 1 GiB size was listed at $15.00 by the docs
// and at $15.15 by the price list of 2026-09-20: the dearer one is budgeted. It
// is the only one without standby nodes. The price list gives no 8 GiB size: its row is
// the 4 GiB price doubled, as the documentation of the sizes has it. Where sources
// disagree on the included disk, it is the smaller figure.
var databases = []Database{
	database("db-s-1vcpu-1gb", 1515, 22, 10, 1),
	database("db-s-1vcpu-2gb", 3045, 47, 25, 3),
	database("db-s-2vcpu-4gb", 6090, 97, 38, 3),
	database("db-s-4vcpu-8gb", 12180, 197, 115, 3),
}

func database(sku string, unit budget.Cents, connections, storageGiB, maxNodes int) Database {
	return Database{
		Price:       Price{SKU: sku, Unit: unit, Source: "DigitalOcean managed databases price list, per node", AsOf: "2026-09-20"},
		Connections: connections, StorageGiB: storageGiB, MaxNodes: maxNodes,
	}
}

// TenantsMiB is what tenants may fill of the disk: 70 percent. The rest is for the
// system's own files, the write-ahead log and growth that is noticed too late.
func (d Database) TenantsMiB() int { return d.StorageGiB * 1024 * 70 / 100 }

// TempFileMiB is how much disk a process of the server may fill with temporary files: a
// tenth. The index of a tenant of the largest plan is built in less.
func (d Database) TempFileMiB() int { return d.StorageGiB * 1024 / 10 }

// Limits that are not dollars.
const (
	// PodsPerNode and VolumesPerNode are from the Kubernetes limits page
	// (2025-11-10) and the volumes limits page (2025-11-14).
	PodsPerNode    = 110
	VolumesPerNode = 15
	// CertificatesPerWeek is how many certificates Let's Encrypt issues for a
	// registered domain in 7 days; CertificatesPerNameSet for the same set of
	// names. Renewals by ARI do not count (rate limits of 2026-08-05).
	CertificatesPerWeek    = 50
	CertificatesPerNameSet = 5
)

// Regions are where DigitalOcean Kubernetes and managed databases are offered
// (regional availability page, 2025-11).
var Regions = []string{
	"ams3", "atl1", "blr1", "fra1", "lon1", "nyc1", "nyc2", "nyc3", "sfo2", "sfo3", "sgp1", "syd1", "tor1",
}
