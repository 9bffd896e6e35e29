// Package settings is the one object that a stack file declares under
// platform:settings: its shape, its defaults, and every rule that it must keep.
package settings

import "github.com/genericcorp/platform/internal/budget"

// Settings declares a stack. The zero value of a field means its default.
type Settings struct {
	// Domain is the stack's host name: the app answers there, Grafana at
	// grafana.<domain>, each tenant at <tenant>.<domain>. Required.
	Domain string `yaml:"domain"`
	// Zone is the Cloudflare zone that holds Domain. Required.
	Zone string `yaml:"zone"`
	// Email is the contact of the Let's Encrypt account. Let's Encrypt has sent no
	// notices of expiry since 2025: the dashboard shows a certificate's remaining
	// life. Required.
	Email string `yaml:"email"`
	// Region is DigitalOcean's region. Default "fra1".
	Region string `yaml:"region"`
	// Protect makes a destroy refuse before anything is deleted, and keeps the
	// database, its network and the archive when the stack goes. Default false.
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
	// MonthlyUSD is the limit in dollars a month before tax. Default 80.
	MonthlyUSD budget.Cents `yaml:"monthlyUsd"`
}

// Capacity is what the stack has to bear; sizes follow from it.
type Capacity struct {
	// ConcurrentUsers are people who use the app at the same time. Default 100.
	ConcurrentUsers int `yaml:"concurrentUsers"`
	// SurviveNodeLoss asks that everything still fits when any one node is gone.
	SurviveNodeLoss bool `yaml:"surviveNodeLoss"`
}

// Kinds of cluster and of database.
const (
	DigitalOcean = "digitalocean"
	Existing     = "existing"
	External     = "external"
)

// Cluster is where the workload runs.
type Cluster struct {
	// Kind is "digitalocean" (default: made here) or "existing" (any cluster, by
	// the kubeconfig in the secret platform:kubeconfig, at $0).
	Kind string `yaml:"kind"`
	// Version is the Kubernetes minor. A new cluster gets its newest patch; a running
	// one keeps its version until this names a newer minor. Default "1.36".
	Version string `yaml:"version"`
	// HA asks for the highly available control plane: $40 a month, and it cannot
	// be turned off again. Default false.
	HA bool `yaml:"ha"`
	// Context names a context of an existing cluster's kubeconfig; empty means its
	// current one.
	Context string `yaml:"context"`
}

// Nodes pins what the solver would choose. A pin is kept and checked.
type Nodes struct {
	// Size is a Droplet size, for example "s-2vcpu-4gb".
	Size string `yaml:"size"`
	// Count is how many nodes; zero lets the solver choose.
	Count int `yaml:"count"`
}

// Network holds the address ranges, in CIDR notation. They may not overlap, and
// not with another VPC of the account.
type Network struct {
	// VPC is the range of nodes, database and load balancer. Default 10.10.0.0/20.
	VPC string `yaml:"vpc"`
	// Pods and Services are the cluster's own. Defaults 10.100.0.0/16 and
	// 10.101.0.0/19.
	Pods     string `yaml:"pods"`
	Services string `yaml:"services"`
}

// Database is the stack's PostgreSQL.
type Database struct {
	// Kind is "digitalocean" (default: managed, made here) or "external" (by the
	// connection string in the secret platform:databaseUrl, at $0).
	Kind string `yaml:"kind"`
	// Version is PostgreSQL's major, "17" (default) or "18".
	Version string `yaml:"version"`
	// Size pins a size, for example "db-s-1vcpu-1gb"; empty lets the solver choose.
	Size string `yaml:"size"`
	// Standby adds a standby node that takes over when the first fails.
	Standby bool `yaml:"standby"`
	// Connections is what an external database admits. Default 100.
	Connections int `yaml:"connections"`
}

// DNS is how the records are published.
type DNS struct {
	// Proxied sends traffic through Cloudflare. Default false.
	Proxied bool `yaml:"proxied"`
}

// Let's Encrypt's two environments.
const (
	Production = "production"
	Staging    = "staging"
)

// Certificates says who signs and where cert-manager comes from.
type Certificates struct {
	// Issuer is "production" (default) or "staging" (not trusted by browsers, for
	// trials that would run into rate limits).
	Issuer string `yaml:"issuer"`
	// Chart is the address of the cert-manager chart; a mirror serves closed
	// networks. Default oci://quay.io/jetstack/charts/cert-manager.
	Chart string `yaml:"chart"`
}

// Ingress is how traffic reaches the cluster; on DigitalOcean it is one regional
// load balancer.
type Ingress struct {
	// HSTSIncludeSubdomains tells browsers, for two years, to reach every subdomain
	// of Domain over HTTPS alone. Default true; false where Domain is Zone, as hosts
	// that are not the platform's are subdomains of a zone.
	HSTSIncludeSubdomains *bool `yaml:"hstsIncludeSubdomains"`
	// Address is the IP that the records point to. Only for an existing cluster
	// whose Service of type LoadBalancer gets no address of its own; the Service
	// is then of type NodePort.
	Address string `yaml:"address"`
}

// Monitoring sizes the metrics store.
type Monitoring struct {
	// RetentionDays is how long figures are kept. Default 30.
	RetentionDays int `yaml:"retentionDays"`
	// VolumeGiB is the volume they are kept on ($0.10 a GiB). Default 5.
	VolumeGiB int `yaml:"volumeGiB"`
}

// App is the SaaS itself: the contract is in docs/app-contract.md.
type App struct {
	// Image is the container image with an exact tag or a digest.
	// Default ghcr.io/stefanprodan/podinfo:6.9.2.
	Image string `yaml:"image"`
	// Port is where the app speaks HTTP. Default 9898.
	Port int `yaml:"port"`
	// Paths of liveness, readiness and Prometheus metrics.
	// Defaults /healthz, /readyz and /metrics.
	HealthPath  string `yaml:"healthPath"`
	ReadyPath   string `yaml:"readyPath"`
	MetricsPath string `yaml:"metricsPath"`
	// Replicas pins how many run; zero derives it from capacity.
	Replicas int `yaml:"replicas"`
	// CPU and Memory pin the requests of one replica in Kubernetes notation, for
	// example "100m" and "128Mi"; empty derives them from capacity.
	CPU    string `yaml:"cpu"`
	Memory string `yaml:"memory"`
	// DatabasePool is how many connections one replica opens with DATABASE_URL, past
	// the pooler: migrations, and what is no tenant's. Default 2.
	DatabasePool int `yaml:"databasePool"`
	// Env are further plain environment variables. No secrets: they are readable
	// by whoever reads the stack file.
	Env map[string]string `yaml:"env"`
	// InternetEgress lets the app reach the Internet over HTTPS. Default false.
	InternetEgress bool `yaml:"internetEgress"`
}

// Maintenance is when DigitalOcean may upgrade cluster and database.
type Maintenance struct {
	// Day is a weekday in lower case. Default "sunday".
	Day string `yaml:"day"`
	// Hour is the start in UTC, "HH:MM". Default "03:00".
	Hour string `yaml:"hour"`
}

// Pricing is what tenants pay, for the unit economics of the plan.
type Pricing struct {
	// TenantUSD are price points in dollars a month. Default 49, 99, 149.
	TenantUSD []budget.Cents `yaml:"tenantUsd"`
	// FixedUSD are costs in dollars a month beside the infrastructure. Default 0.
	FixedUSD budget.Cents `yaml:"fixedUsd"`
}
