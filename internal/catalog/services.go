package catalog

import "github.com/genericcorp/platform/internal/budget"

func dollars(usd int64) budget.Cents { return budget.Cents(usd * 100) }

// Prices of everything else than nodes and databases.
var (
	// LoadBalancer is one node of a regional HTTP load balancer. It serves 10,000
	// requests a second, 10,000 connections, and 250 new TLS connections a second.
	LoadBalancer = Price{SKU: "lb-regional", Unit: dollars(12),
		Source: "DigitalOcean load balancer pricing (2025-02-28), the same in a third party's list", AsOf: "2026-09-27", Confidence: Documented}
	// NetworkLoadBalancer is one node of a regional network load balancer. From 1.33
	// on, DigitalOcean Kubernetes creates this kind for a Service of type LoadBalancer
	// that has no annotation for the kind.
	NetworkLoadBalancer = Price{SKU: "lb-regional-network", Unit: dollars(15),
		Source: "DigitalOcean load balancer pricing (2025-02-28)", AsOf: "2025-12-05", Confidence: Documented}
	// HAControlPlane is the highly available control plane. It cannot be turned off
	// once it is on.
	HAControlPlane = Price{SKU: "doks-ha-control-plane", Unit: dollars(40),
		Source: "DigitalOcean Kubernetes pricing (2025-10-20), the same in a third party's list", AsOf: "2026-09-27", Confidence: Documented}
	// UptimeCheck is one check of a host from outside. Its alerts are included. An older source
	// says that the first check of an account is free. The pricing page does not, so each
	// counts.
	UptimeCheck = Price{SKU: "uptime-check", Unit: dollars(1),
		Source: "DigitalOcean Uptime pricing (docs.digitalocean.com/products/uptime/details/pricing)", AsOf: "2026-03-27", Confidence: Documented}
	// BlockStorage is one GiB of a volume. A detached volume costs the same.
	BlockStorage = Price{SKU: "volume-gib", Unit: 10,
		Source: "DigitalOcean volumes pricing (2025-11-14), the same in a third party's list", AsOf: "2026-09-27", Confidence: Documented}
	// Transfer is one GiB of outbound traffic above what the nodes include. No plan needs any.
	Transfer = Price{SKU: "transfer-gib", Unit: 1,
		Source: "DigitalOcean bandwidth billing (2025-06-17)", AsOf: "2025-12-05", Confidence: Documented}
	// Snapshot is one GiB of a snapshot of a volume. No stack has one; cmd/ops leftovers lists them.
	Snapshot = Price{SKU: "snapshot-gib", Unit: 6, Source: "DigitalOcean snapshots pricing", AsOf: "2025-12-05", Confidence: Documented}
)

// KnownBalancerAnnotations returns the annotations that a load balancer on the bill may have.
// Of these, only type and size-unit have a price. Others, such as size-slug, change the price, or
// let the load balancer outlive its Service (disown), or are not known here.
func KnownBalancerAnnotations() []string {
	out := []string{
		"algorithm", "enable-proxy-protocol", "healthcheck-check-interval-seconds", "healthcheck-healthy-threshold", "healthcheck-path",
		"healthcheck-port", "healthcheck-protocol", "healthcheck-response-timeout-seconds", "healthcheck-unhealthy-threshold", "hostname",
		"name", "protocol", "size-unit", "type",
	}
	for i, suffix := range out {
		out[i] = BalancerAnnotations + suffix
	}
	return out
}

// Database is a size of managed PostgreSQL.
type Database struct {
	Price
	// Connections is the number of connections that the customer may open: 25 for each
	// GiB of memory, less 3 that DigitalOcean reserves (managed PostgreSQL limits,
	// 2025-11-05).
	Connections int
	// StorageGiB is the disk that the price includes.
	StorageGiB int
	// MaxNodes is the greatest number of nodes, standby nodes included.
	MaxNodes int
}

// databases is sorted by price.
//
// The 1 GiB size is $15.00 in the documentation and $15.15 in the price list of
// 2026-09-20. The table has the higher price. This size cannot have standby nodes.
// The price list has no 8 GiB size. Its row is twice the 4 GiB price, as in the
// documentation of the sizes. Where sources disagree on the included disk, the table
// has the smaller figure.
var databases = []Database{
	database("db-s-1vcpu-1gb", 1515, 22, 10, 1),
	database("db-s-1vcpu-2gb", 3045, 47, 25, 3),
	database("db-s-2vcpu-4gb", 6090, 97, 38, 3),
	derived(database("db-s-4vcpu-8gb", 12180, 197, 115, 3), "twice the price of db-s-2vcpu-4gb; no list has it"),
}

// derived returns a row whose price was computed.
func derived(d Database, how string) Database {
	d.Source, d.Confidence = how, Derived
	return d
}

func database(sku string, unit budget.Cents, connections, storageGiB, maxNodes int) Database {
	return Database{
		Price:       Price{SKU: sku, Unit: unit, Source: "a third party's list of DigitalOcean's prices of managed databases, per node", AsOf: "2026-09-20", Confidence: ThirdParty},
		Connections: connections, StorageGiB: storageGiB, MaxNodes: maxNodes,
	}
}

// TenantsMiB returns the disk that is planned for tenants, in MiB: 70 percent. The rest
// is for PostgreSQL's own files, the write-ahead log, and growth that is noticed late.
func (d Database) TenantsMiB() int { return d.StorageGiB * 1024 * 70 / 100 }

// TempFileMiB returns the temp_file_limit of one server process, in MiB: a tenth of the
// disk. An index build for a tenant of the largest tier needs less.
func (d Database) TempFileMiB() int { return d.StorageGiB * 1024 / 10 }

// Names that select a priced thing of DigitalOcean in a cluster.
const (
	// StorageClass is the class of volumes that are deleted with their claim. It is the
	// default class of a cluster. RetainedStorageClass keeps the disk (csi-digitalocean#646).
	StorageClass         = "do-block-storage"
	RetainedStorageClass = "do-block-storage-retain"
	// BalancerAnnotations begins the annotations of a Service about its load balancer
	// (docs/controllers/services/annotations.md of digitalocean-cloud-controller-manager).
	BalancerAnnotations = "service.beta.kubernetes.io/do-loadbalancer-"
	// BalancerType and NetworkBalancerType are the values of the annotation with the suffix
	// "type" for LoadBalancer and NetworkLoadBalancer.
	BalancerType        = "REGIONAL"
	NetworkBalancerType = "REGIONAL_NETWORK"
)

// Quotas of the providers.
const (
	// LoadBalancerNodes is the most nodes that a load balancer can have (page "How to Scale
	// Regional Load Balancers", read 2026-12-01).
	LoadBalancerNodes = 200
	// NodesPerCluster and PodsPerNode are from DigitalOcean's page of Kubernetes limits
	// (2025-11-10).
	NodesPerCluster = 512
	PodsPerNode     = 110
	// VolumeGiB is the size of the largest volume, 16 TiB, from DigitalOcean's page of
	// volume limits (2025-11-14).
	VolumeGiB = 16384
	// VolumesPerNode is from DigitalOcean's page of volume limits (2025-11-14).
	VolumesPerNode = 15
	// CertificatesPerWeek is Let's Encrypt's limit of certificates for a registered
	// domain in 7 days. CertificatesPerNameSet is its limit for the same set of names
	// in 7 days. Renewals by ARI do not count (rate limits of 2026-08-05).
	CertificatesPerWeek    = 50
	CertificatesPerNameSet = 5
)
