// Package settings declares what a stack file may say under platform:settings: the
// keys, their defaults and the rules that they are checked against.
//
// docs/settings.md is made from the comments of the fields. The labels in them are
// columns there: "Default:", "Values:", "Cost:" and "Change:", which says what a change
// of the key does to a running stack.
package settings

import "github.com/genericcorp/platform/internal/budget"

// Settings declares a stack. The zero value of a field means its default.
type Settings struct {
	// Domain is the stack's host name: the app answers there, Grafana at
	// `grafana.<domain>`, each tenant at `<tenant>.<domain>`. Required.
	// Values: a host name of at most 56 characters, in Zone.
	// Change: DNS records and certificate are replaced; the old hosts stop answering.
	Domain string `yaml:"domain"`
	// Zone is the Cloudflare zone that has Domain. Required.
	// Values: the domain or an ending of it.
	// Change: every DNS record is replaced: deleted in the old zone, created in the new one.
	Zone string `yaml:"zone"`
	// Email is the contact of the Let's Encrypt account. No expiry notices go there:
	// Let's Encrypt ended them in 2025. Grafana shows the certificate's remaining life.
	// Required.
	// Values: an e-mail address that receives mail.
	// Change: the account's contact is updated in place.
	Email string `yaml:"email"`
	// Region is DigitalOcean's region of cluster, database and load balancer.
	// Default: fra1.
	// Values: a region of internal/catalog, such as ams3, fra1, nyc3.
	// Change: refused for a running cluster; a cluster cannot move.
	Region string `yaml:"region"`
	// Protect refuses every form of destroy before anything is deleted, and keeps the
	// database, its network and the archive when the stack is deleted nevertheless.
	// Default: false.
	// Change: in place.
	Protect bool `yaml:"protect"`

	Budget       Budget       `yaml:"budget"`
	Capacity     Capacity     `yaml:"capacity"`
	Cluster      Cluster      `yaml:"cluster"`
	Nodes        Nodes        `yaml:"nodes"`
	Network      Network      `yaml:"network"`
	Database     Database     `yaml:"database"`
	DNS          DNS          `yaml:"dns"`
	Certificates Certificates `yaml:"certificates"`
	Ingress      Ingress      `yaml:"ingress"`
	Monitoring   Monitoring   `yaml:"monitoring"`
	App          App          `yaml:"app"`
	Maintenance  Maintenance  `yaml:"maintenance"`
	Pricing      Pricing      `yaml:"pricing"`
	Archive      Archive      `yaml:"archive"`
	Tenants      []Tenant     `yaml:"tenants"`
}

// Budget is what the stack may cost.
type Budget struct {
	// MonthlyUSD is the most that the stack may cost, in dollars a month before tax. A
	// plan that costs more is refused before anything is registered.
	// Default: 80.
	// Values: dollars with at most two decimals, such as 80 or 79.50.
	// Change: nothing by itself; the plan is checked against it.
	MonthlyUSD budget.Cents `yaml:"monthlyUsd"`
}

// Capacity is the load that the stack has to serve. The sizes follow from it.
type Capacity struct {
	// ConcurrentUsers is the number of people who use the app at the same time.
	// Default: 100.
	// Values: 1 to 1000000.
	// Cost: more users need more replicas and, at some point, more or larger nodes.
	// Change: in place; another node size needs `ops resize` first.
	ConcurrentUsers int `yaml:"concurrentUsers"`
	// SurviveNodeLoss asks that all Pods still fit when any one node is gone.
	// Default: false.
	// Cost: at least one more node, $24 with the sizes of prod.
	// Change: in place.
	SurviveNodeLoss bool `yaml:"surviveNodeLoss"`
}

// Kinds of cluster and of database.
const (
	DigitalOcean = "digitalocean"
	Existing     = "existing"
	External     = "external"
)

// Cluster is the Kubernetes cluster that everything runs in.
type Cluster struct {
	// Kind says who makes the cluster. An existing one is any cluster; its kubeconfig
	// is the secret platform:kubeconfig.
	// Default: digitalocean.
	// Values: digitalocean, existing.
	// Cost: an existing cluster is not on the bill.
	// Change: everything is created anew in the other cluster.
	Kind string `yaml:"kind"`
	// Version is the Kubernetes minor. A new cluster gets its newest patch. A running
	// one keeps its version until this names a newer minor.
	// Default: "1.36".
	// Values: a minor that DigitalOcean offers, in quotes.
	// Change: an upgrade at once, node by node; there is no way back.
	Version string `yaml:"version"`
	// HA asks for the control plane with high availability.
	// Default: false.
	// Cost: $40 a month.
	// Change: in place; it cannot be turned off again.
	HA bool `yaml:"ha"`
	// Context names a context of an existing cluster's kubeconfig; empty is its current
	// one.
	// Default: empty.
	// Change: in place, if both lead to the same cluster.
	Context string `yaml:"context"`
}

// Nodes pins what the solver would choose. A pin is kept and checked.
type Nodes struct {
	// Size is a Droplet size for all nodes; empty lets the solver choose.
	// Default: empty.
	// Values: a size of internal/catalog, such as s-2vcpu-4gb.
	// Cost: the size's price for each node.
	// Change: needs `ops resize` first; an update alone is refused.
	Size string `yaml:"size"`
	// Count is the number of nodes; 0 lets the solver choose.
	// Default: 0.
	// Cost: the node's price for each.
	// Change: in place.
	Count int `yaml:"count"`
}

// Network has the address ranges in CIDR notation. They may not overlap with each
// other or with another VPC of the account.
type Network struct {
	// VPC is the range of nodes, database and load balancer.
	// Default: 10.10.0.0/20.
	// Values: a private IPv4 range from /16 to /24.
	// Change: refused for a running cluster.
	VPC string `yaml:"vpc"`
	// Pods is the range of the Pods' addresses.
	// Default: 10.100.0.0/16.
	// Values: a private IPv4 range from /16 to /20.
	// Change: refused for a running cluster.
	Pods string `yaml:"pods"`
	// Services is the range of the Services' addresses.
	// Default: 10.101.0.0/19.
	// Values: a private IPv4 range from /16 to /22.
	// Change: refused for a running cluster.
	Services string `yaml:"services"`
}

// Database is the stack's PostgreSQL.
type Database struct {
	// Kind says who runs the database. An external one is reached by the connection
	// string in the secret platform:databaseUrl.
	// Default: digitalocean.
	// Values: digitalocean, external.
	// Cost: an external database is not on the bill.
	// Change: the app gets the other database, without the data.
	Kind string `yaml:"kind"`
	// Version is PostgreSQL's major.
	// Default: "17".
	// Values: "17", "18", in quotes.
	// Change: a major upgrade in place, with a pause; there is no way back.
	Version string `yaml:"version"`
	// Size pins the size of the database; empty lets the solver choose.
	// Default: empty.
	// Values: a size of internal/catalog, such as db-s-1vcpu-1gb.
	// Cost: the size's price for each database node.
	// Change: in place when larger; DigitalOcean refuses a smaller one.
	Size string `yaml:"size"`
	// Standby adds a second database node that takes over when the first fails.
	// Default: false.
	// Cost: the size's price once more, from db-s-1vcpu-2gb on.
	// Change: in place.
	Standby bool `yaml:"standby"`
	// Connections is how many connections an external database admits.
	// Default: 100.
	// Change: in place.
	Connections int `yaml:"connections"`
	// Network is the IPv4 range in which an external database listens. The network
	// policies of the app, the pooler and the tenants' Jobs admit nothing else on its
	// port. For an external database empty means 0.0.0.0/0, anywhere.
	// Default: empty.
	// Values: a range such as 203.0.113.16/28, or an address with /32.
	// Change: in place.
	Network string `yaml:"network"`
}

// Anywhere is the range of all IPv4 addresses.
const Anywhere = "0.0.0.0/0"

// DNS is how the records are published.
type DNS struct {
	// Proxied sends traffic through Cloudflare. Cloudflare's free certificate covers a
	// zone and one label below it, so Domain has to be Zone.
	// Default: false.
	// Change: in place.
	Proxied bool `yaml:"proxied"`
}

// Let's Encrypt's two environments.
const (
	Production = "production"
	Staging    = "staging"
)

// Certificates says who signs them and where cert-manager comes from.
type Certificates struct {
	// Issuer is Let's Encrypt's environment. Browsers do not trust staging's
	// certificates; it is for trials that would reach the rate limits of production.
	// Default: production.
	// Values: production, staging.
	// Change: in place; the certificate is ordered again.
	Issuer string `yaml:"issuer"`
	// Chart is the address of the cert-manager chart, or of a mirror of it.
	// Default: oci://quay.io/jetstack/charts/cert-manager.
	// Values: an oci:// or https:// address without a login that ends in /cert-manager.
	// Change: in place.
	Chart string `yaml:"chart"`
}

// Ingress is how traffic reaches the cluster. On DigitalOcean it is one regional load
// balancer.
type Ingress struct {
	// HSTSIncludeSubdomains tells browsers, for two years, to use HTTPS alone for every
	// subdomain of Domain.
	// Default: true; false where Domain is Zone, as a zone has other hosts too.
	// Change: in place; browsers remember the earlier answer for up to two years.
	HSTSIncludeSubdomains *bool `yaml:"hstsIncludeSubdomains"`
	// Address is the IPv4 address that the DNS records point to. It is for an existing
	// cluster whose Service of type LoadBalancer gets no address; the Service is then of
	// type NodePort.
	// Default: empty.
	// Change: in place.
	Address string `yaml:"address"`
}

// Monitoring sizes the metrics store (VictoriaMetrics).
type Monitoring struct {
	// RetentionDays is how many days metrics are kept.
	// Default: 30.
	// Change: in place; older metrics are deleted.
	RetentionDays int `yaml:"retentionDays"`
	// VolumeGiB is the size of the volume for metrics, in GiB.
	// Default: 5.
	// Cost: $0.10 a GiB a month.
	// Change: larger in place; a volume cannot shrink.
	VolumeGiB int `yaml:"volumeGiB"`
}

// App is the product itself. docs/app-contract.md says what it has to do.
type App struct {
	// Image is the container image.
	// Default: ghcr.io/stefanprodan/podinfo:6.9.2.
	// Values: a name with an exact tag or a digest; not latest.
	// Change: a rolling update.
	Image string `yaml:"image"`
	// Port is where the app speaks HTTP.
	// Default: 9898.
	// Values: 1024 to 65535.
	// Change: a rolling update.
	Port int `yaml:"port"`
	// HealthPath is asked by the liveness probe.
	// Default: /healthz.
	// Change: a rolling update.
	HealthPath string `yaml:"healthPath"`
	// ReadyPath is asked by the readiness probe.
	// Default: /readyz.
	// Change: a rolling update.
	ReadyPath string `yaml:"readyPath"`
	// MetricsPath has the app's metrics in Prometheus' text format.
	// Default: /metrics.
	// Change: a rolling update.
	MetricsPath string `yaml:"metricsPath"`
	// Replicas is the number of Pods; 0 derives it from capacity.
	// Default: 0.
	// Cost: more replicas may need more or larger nodes.
	// Change: in place.
	Replicas int `yaml:"replicas"`
	// CPU is the CPU request of a replica; empty derives it from capacity.
	// Default: empty.
	// Values: a Kubernetes quantity such as 100m.
	// Cost: a larger request may need more or larger nodes.
	// Change: a rolling update.
	CPU string `yaml:"cpu"`
	// Memory is the memory request of a replica; empty derives it from capacity.
	// Default: empty.
	// Values: a Kubernetes quantity such as 128Mi.
	// Cost: a larger request may need more or larger nodes.
	// Change: a rolling update.
	Memory string `yaml:"memory"`
	// DatabasePool is the number of connections that a replica opens with DATABASE_URL,
	// which does not lead through PgBouncer: for migrations and for what belongs to no
	// tenant.
	// Default: 2.
	// Cost: more connections may need a larger database.
	// Change: in place.
	DatabasePool int `yaml:"databasePool"`
	// Env are more environment variables. Everybody who reads the stack file can read
	// them; secret ones go into platform:appEnv.
	// Default: none.
	// Values: names of letters, digits and underscores, with text.
	// Change: a rolling update.
	Env map[string]string `yaml:"env"`
	// InternetEgress admits HTTPS from the app to the Internet.
	// Default: false.
	// Change: in place.
	InternetEgress bool `yaml:"internetEgress"`
}

// Maintenance is when DigitalOcean may upgrade cluster and database.
type Maintenance struct {
	// Day is the weekday.
	// Default: sunday.
	// Values: monday, tuesday, wednesday, thursday, friday, saturday, sunday.
	// Change: in place.
	Day string `yaml:"day"`
	// Hour is the start, in UTC.
	// Default: "03:00".
	// Values: "00:00" to "23:59", in quotes.
	// Change: in place.
	Hour string `yaml:"hour"`
}

// Pricing is what tenants pay. The plan computes unit economics from it.
type Pricing struct {
	// TenantUSD are prices for a tenant, in dollars a month.
	// Default: 49, 99, 149.
	// Change: the plan's text alone.
	TenantUSD []budget.Cents `yaml:"tenantUsd"`
	// FixedUSD are costs beside the infrastructure, in dollars a month.
	// Default: 0.
	// Change: the plan's text alone.
	FixedUSD budget.Cents `yaml:"fixedUsd"`
}
