// Package settings declares the keys that a stack file may have under platform:settings,
// with their defaults and the rules that their values must follow.
//
// docs/settings.md is generated from the comments of the fields. Four labels in them become
// columns: "Default:", "Values:", "Cost:" and "Change:". The last one says what happens to a
// running stack when the key changes.
package settings

import "github.com/genericcorp/platform/internal/budget"

// Settings is the content of platform:settings. Load and LoadStackFile return it with all
// defaults. In a stack file, a key that is left out has its default.
type Settings struct {
	// Domain is the host name of the app. Grafana's host is `grafana.<domain>`, a tenant's
	// is `<tenant>.<domain>`. Required.
	// Values: a host name of at most 56 characters, in Zone.
	// Change: DNS records and certificate are replaced; the old hosts stop working.
	Domain string `yaml:"domain"`
	// Zone is the Cloudflare zone that has Domain. Required.
	// Values: the domain itself, or a domain above it.
	// Change: every DNS record is replaced: deleted in the old zone, created in the new one.
	Zone string `yaml:"zone"`
	// Email is the contact of the Let's Encrypt account. Let's Encrypt sends no notice
	// before a certificate expires; it stopped in 2025. Grafana shows the certificate's
	// remaining life. Required.
	// Values: an e-mail address that receives mail.
	// Change: the account's contact is updated in place.
	Email string `yaml:"email"`
	// Region is the DigitalOcean region of the cluster, the database and the load balancer.
	// Default: fra1.
	// Values: a region of internal/catalog, such as ams3, fra1, nyc3.
	// Change: refused for a running cluster; a cluster cannot move.
	Region string `yaml:"region"`
	// Protect makes `pulumi destroy` fail before it deletes anything. If the stack is
	// deleted nevertheless, the database, its network and the archive are kept.
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
	Alerts       Alerts       `yaml:"alerts"`
	App          App          `yaml:"app"`
	Maintenance  Maintenance  `yaml:"maintenance"`
	Pricing      Pricing      `yaml:"pricing"`
	Archive      Archive      `yaml:"archive"`
	Tenants      []Tenant     `yaml:"tenants"`
}

// Budget is the limit of the stack's cost.
type Budget struct {
	// MonthlyUSD is the most that the stack may cost, in dollars a month before tax. A
	// stack that would cost more is refused before anything is created.
	// Default: 80.
	// Values: dollars up to 1000000 with at most two decimals, such as 80 or 79.50.
	// Change: nothing is created or changed; the next plan is checked against the new limit.
	MonthlyUSD budget.Cents `yaml:"monthlyUsd"`
}

// Capacity is the load that the stack must serve. The sizes are computed from it.
type Capacity struct {
	// ConcurrentUsers is the number of people who use the app at the same time.
	// Default: 100.
	// Values: 1 to 1000000.
	// Cost: more users need more replicas and, at some point, more or larger nodes.
	// Change: in place; another node size needs `ops resize` first.
	ConcurrentUsers int `yaml:"concurrentUsers"`
	// RequestsPerMinute is the number of requests a minute of one user. The default is measured
	// with AgentHQ (docs/benchmarks.md).
	// Default: 18.
	// Values: 1 to 600.
	// Cost: more requests need more CPU and more outbound traffic.
	// Change: in place; another node size needs `ops resize` first.
	RequestsPerMinute int `yaml:"requestsPerMinute"`
	// SurviveNodeLoss adds nodes until all Pods still fit after the loss of any one node.
	// Default: false.
	// Cost: at least one more node, $24 with the sizes of prod.
	// Change: in place.
	SurviveNodeLoss bool `yaml:"surviveNodeLoss"`
}

// Values of Cluster.Kind (DigitalOcean, Existing) and of Database.Kind (DigitalOcean,
// External).
const (
	DigitalOcean = "digitalocean"
	Existing     = "existing"
	External     = "external"
)

// Cluster is the Kubernetes cluster that everything runs in.
type Cluster struct {
	// Kind says whether this program creates the cluster on DigitalOcean or uses an existing
	// one, anywhere. The kubeconfig of an existing cluster is the secret platform:kubeconfig.
	// Default: digitalocean.
	// Values: digitalocean, existing.
	// Cost: an existing cluster is not on the bill.
	// Change: everything is created again in the other cluster.
	Kind string `yaml:"kind"`
	// Version is the Kubernetes minor. A new cluster gets the newest patch of it. A running
	// cluster is upgraded only if this is a newer minor than its own.
	// Default: "1.36".
	// Values: a minor that DigitalOcean offers, in quotes.
	// Change: an immediate upgrade, node by node; it cannot be undone.
	Version string `yaml:"version"`
	// HA asks for the control plane with high availability.
	// Default: false.
	// Cost: $40 a month.
	// Change: in place; it cannot be turned off again.
	HA bool `yaml:"ha"`
	// HARuns says that the running cluster has it.
	HARuns bool `yaml:"-"`
	// Context is a context of an existing cluster's kubeconfig; empty is the current
	// context.
	// Default: empty.
	// Change: in place, if both contexts are of the same cluster.
	Context string `yaml:"context"`
}

// Network has the address ranges in CIDR notation. They may not overlap with each
// other or with another VPC of the account.
type Network struct {
	// VPC is the range of nodes, database and load balancer. In nyc1, where DigitalOcean
	// reserves the default, the default is 10.11.0.0/20.
	// Default: 10.10.0.0/20.
	// Values: a private IPv4 range from /16 to /24 that DigitalOcean does not reserve.
	// Change: refused for a running cluster.
	VPC string `yaml:"vpc"`
	// Pods is the range of the Pods' addresses.
	// Default: 10.100.0.0/16.
	// Values: a private IPv4 range from /16 to /20, with a /25 for each node and one more.
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
	// Kind says whether this program creates a database on DigitalOcean or uses an external
	// one. The connection string of an external database is the secret
	// platform:databaseUrl.
	// Default: digitalocean.
	// Values: digitalocean, external.
	// Cost: an external database is not on the bill.
	// Change: the app uses the other database; no data is copied.
	Kind string `yaml:"kind"`
	// Version is PostgreSQL's major.
	// Default: "17".
	// Values: "17", "18", in quotes.
	// Change: a major upgrade in place, with downtime; it cannot be undone.
	Version string `yaml:"version"`
	// Size pins the size of the database; empty lets the solver choose.
	// Default: empty.
	// Values: a size of internal/catalog, such as db-s-1vcpu-1gb.
	// Cost: the size's price for each database node.
	// Change: in place when larger; DigitalOcean refuses a smaller one.
	Size string `yaml:"size"`
	// AtLeast is the size of the running database, which never shrinks; empty if there is none.
	// It is not in the stack file.
	AtLeast string `yaml:"-"`
	// Standby adds a second database node that takes over when the first fails.
	// Default: false.
	// Cost: the size's price once more, from db-s-1vcpu-2gb on.
	// Change: in place.
	Standby bool `yaml:"standby"`
	// Connections is the number of connections that an external database allows.
	// Default: 100.
	// Values: 1 to 262143.
	// Change: in place.
	Connections int `yaml:"connections"`
	// Network is the IPv4 range of an external database's addresses. The network policies of
	// the app, the pooler and the tenants' Jobs allow its port in this range only. Without
	// this line they allow it to any address, 0.0.0.0/0.
	// Default: empty.
	// Values: a range such as 203.0.113.16/28, or an address with /32.
	// Change: in place.
	Network string `yaml:"network"`
}

// Anywhere is the range of all IPv4 addresses.
const Anywhere = "0.0.0.0/0"

// DNS sets options of the DNS records.
type DNS struct {
	// Proxied sends traffic through Cloudflare. Cloudflare's free certificate covers a
	// zone and one label below it, so Domain has to be Zone.
	// Default: false.
	// Change: in place.
	Proxied bool `yaml:"proxied"`
}

// Values of Certificates.Issuer: Let's Encrypt's two environments.
const (
	Production = "production"
	Staging    = "staging"
)

// Certificates says which issuer signs the certificate, and which chart installs
// cert-manager.
type Certificates struct {
	// Issuer is Let's Encrypt's environment. Use staging for trials that would reach the
	// rate limits of production. Browsers do not trust its certificates.
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

// Ingress sets how traffic from the Internet enters the cluster. On DigitalOcean it enters
// through one regional load balancer.
type Ingress struct {
	// HSTSIncludeSubdomains tells browsers to use only HTTPS for every subdomain of Domain,
	// for two years.
	// Default: true; false if Domain is Zone, because a zone may have other hosts.
	// Change: in place; browsers remember the earlier answer for up to two years.
	HSTSIncludeSubdomains *bool `yaml:"hstsIncludeSubdomains"`
	// Address is the IPv4 address for the DNS records. Set it for an existing cluster whose
	// Services of type LoadBalancer get no address. The Service then has the type NodePort.
	// Default: empty.
	// Change: in place.
	Address string `yaml:"address"`
}

// Monitoring sizes the metrics store (VictoriaMetrics), and says how people sign in to Grafana.
type Monitoring struct {
	// RetentionDays is how many days metrics are kept. The usage of tenants is counted with 3
	// or more.
	// Default: 30.
	// Values: 1 to 36500.
	// Change: in place; older metrics are deleted.
	RetentionDays int `yaml:"retentionDays"`
	// VolumeGiB is the size of the volume for metrics, in GiB.
	// Default: 5.
	// Values: 1 to 16384.
	// Cost: $0.10 a GiB a month.
	// Change: larger in place; a volume cannot shrink.
	VolumeGiB int `yaml:"volumeGiB"`
	// AtLeastGiB is the size of the volume that exists; 0 if there is none.
	AtLeastGiB int `yaml:"-"`

	OAuth OAuth `yaml:"oauth"`
}

// App is the application. docs/app-contract.md says what it must do.
type App struct {
	// Image is the container image. The default is AgentHQ, the example app in showcase/. It
	// is not published yet; docs/app-contract.md says how to push your own.
	// Default: ghcr.io/genericcorp/agenthq:1.0.0.
	// Values: a name with an exact tag or a digest; not latest.
	// Change: a rolling update.
	Image string `yaml:"image"`
	// Port is the TCP port on which the app serves HTTP.
	// Default: 9898.
	// Values: 1024 to 65535.
	// Change: a rolling update.
	Port int `yaml:"port"`
	// HealthPath is the HTTP path of the startup and liveness probes.
	// Default: /healthz.
	// Change: a rolling update.
	HealthPath string `yaml:"healthPath"`
	// ReadyPath is the HTTP path of the readiness probe.
	// Default: /readyz.
	// Change: a rolling update.
	ReadyPath string `yaml:"readyPath"`
	// MetricsPath is the HTTP path of the app's metrics in Prometheus' text format.
	// Default: /metrics.
	// Change: a rolling update.
	MetricsPath string `yaml:"metricsPath"`
	// Replicas is the number of Pods; 0 computes it from capacity.
	// Default: 0.
	// Values: 0 to 56320.
	// Cost: more replicas may need more or larger nodes.
	// Change: in place.
	Replicas int `yaml:"replicas"`
	// CPU is the CPU request of a replica; empty computes it from capacity.
	// Default: empty.
	// Values: a Kubernetes quantity from 1m to 64, such as 100m.
	// Cost: a larger request may need more or larger nodes.
	// Change: a rolling update.
	CPU string `yaml:"cpu"`
	// Memory is the memory request of a replica; empty computes it from capacity.
	// Default: empty.
	// Values: a Kubernetes quantity from 16Mi to 512Gi, such as 128Mi.
	// Cost: a larger request may need more or larger nodes.
	// Change: a rolling update.
	Memory string `yaml:"memory"`
	// ResponseKiB is the size of an average response in KiB, as it leaves the app. With it the
	// plan computes the outbound traffic of capacity.concurrentUsers for a month of 31 days. The
	// default is measured with AgentHQ (docs/benchmarks.md).
	// Default: 7.
	// Values: 1 to 65536.
	// Cost: more traffic than the nodes include needs more or larger nodes.
	// Change: in place.
	ResponseKiB int `yaml:"responseKiB"`
	// DatabasePool is the number of connections that a replica may open with DATABASE_URL.
	// These do not pass through PgBouncer. They are for migrations and for data that belongs
	// to no tenant.
	// Default: 2.
	// Values: 1 to 262143.
	// Cost: more connections may need a larger database.
	// Change: in place.
	DatabasePool int `yaml:"databasePool"`
	// Env are more environment variables. Everybody who can read the stack file can read
	// them; put secret ones into platform:appEnv.
	// Default: none.
	// Values: names of letters, digits and underscores, with text.
	// Change: a rolling update.
	Env map[string]string `yaml:"env"`
	// WebAnalytics is the token of a site of Cloudflare Web Analytics. The app gets it as
	// WEB_ANALYTICS_TOKEN. AgentHQ counts the visits of the page at Domain with it, and of no
	// other page. The token is public, because it is in that page.
	// Default: empty.
	// Values: 32 hexadecimal digits.
	// Cost: none; Cloudflare's service is free of charge.
	// Change: a rolling update.
	WebAnalytics string `yaml:"webAnalytics"`
	// InternetEgress allows connections from the app to the Internet on port 443.
	// Default: false.
	// Change: in place.
	InternetEgress bool `yaml:"internetEgress"`
}

// Maintenance is the weekly time at which DigitalOcean may upgrade the cluster and the
// database.
type Maintenance struct {
	// Day is the weekday.
	// Default: sunday.
	// Values: monday, tuesday, wednesday, thursday, friday, saturday, sunday.
	// Change: in place.
	Day string `yaml:"day"`
	// Hour is the start of the window, in UTC.
	// Default: "03:00".
	// Values: "00:00" to "23:59", in quotes.
	// Change: in place.
	Hour string `yaml:"hour"`
}
