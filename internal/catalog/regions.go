package catalog

// Regions are the regions that have both DigitalOcean Kubernetes and managed databases
// (regional availability page, 2025-11).
var Regions = []string{
	"ams3", "atl1", "blr1", "fra1", "lon1", "nyc1", "nyc2", "nyc3", "sfo2", "sfo3", "sgp1", "syd1", "tor1",
}

// Ranges that no network of a customer may overlap. Their source is the page of VPC limits,
// docs.digitalocean.com/products/networking/vpc/details/limits (copy of 2025-12-05).
var (
	// ReservedEverywhere are the ranges that DigitalOcean reserves in every region.
	ReservedEverywhere = []string{"10.229.0.0/16", "10.244.0.0/16", "10.245.0.0/16", "10.246.0.0/24"}
	// ReservedRange is the range that DigitalOcean reserves in each of Regions, in addition.
	ReservedRange = map[string]string{
		"ams3": "10.18.0.0/16", "atl1": "10.50.0.0/16", "blr1": "10.47.0.0/16", "fra1": "10.19.0.0/16", "lon1": "10.16.0.0/16",
		"nyc1": "10.10.0.0/16", "nyc2": "10.13.0.0/16", "nyc3": "10.17.0.0/16", "sfo2": "10.46.0.0/16", "sfo3": "10.48.0.0/16",
		"sgp1": "10.15.0.0/16", "syd1": "10.49.0.0/16", "tor1": "10.29.0.0/16",
	}
)

// NodeBits is the size of the part of the Pod range that each node gets: a /25 (VPC-native
// clusters, docs.digitalocean.com, 2025).
const NodeBits = 25
