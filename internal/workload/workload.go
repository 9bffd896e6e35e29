// Package workload is the set of everything that will run in a stack's cluster:
// every container with its requests and limits, replicas, volumes and database
// connections. The sizing places it, the bill prices its volumes, and the
// components build their Pods from the same values.
package workload

import (
	"fmt"
	"iter"
)

// Resources are requests or limits of a container.
type Resources struct {
	// MilliCPU is CPU in thousandths of a core; zero as a limit means none.
	MilliCPU int
	// MiB is memory in mebibytes.
	MiB int
}

// CPU prints the amount in Kubernetes notation, for example "100m".
func (r Resources) CPU() string { return fmt.Sprintf("%dm", r.MilliCPU) }

// Memory prints the amount in Kubernetes notation, for example "128Mi".
func (r Resources) Memory() string { return fmt.Sprintf("%dMi", r.MiB) }

// Plus adds up.
func (r Resources) Plus(o Resources) Resources {
	return Resources{MilliCPU: r.MilliCPU + o.MilliCPU, MiB: r.MiB + o.MiB}
}

func (r Resources) less(o Resources) Resources {
	return Resources{MilliCPU: r.MilliCPU - o.MilliCPU, MiB: r.MiB - o.MiB}
}

// Kind is how Kubernetes runs a workload.
type Kind string

// The kinds that the platform uses.
const (
	Deployment Kind = "Deployment"
	DaemonSet  Kind = "DaemonSet"
	Job        Kind = "Job"
	CronJob    Kind = "CronJob"
)

// Workload is one controller and the Pods it runs.
type Workload struct {
	Namespace, Name string
	Kind            Kind
	// Replicas is how many Pods run; a DaemonSet has one on every node instead.
	Replicas int
	// Surge is how many Pods a rolling update adds while it runs. Without one, several
	// replicas are replaced in place one by one, and a single one is stopped first.
	Surge int
	// Spread keeps the replicas evenly over the nodes, at most one apart.
	Spread bool
	// Request is what the scheduler reserves for a Pod; Limit is where the kernel stops it.
	Request, Limit Resources
	// Sidecar is the share of a second container in Request and Limit.
	Sidecar Share
	// VolumeGiB is the block storage that each replica claims.
	VolumeGiB int
	// Connections is how many database connections each Pod may open.
	Connections int
}

// Share is what one container of a Pod gets.
type Share struct{ Request, Limit Resources }

// Main is the share of a Pod's first container.
func (w Workload) Main() Share {
	return Share{Request: w.Request.less(w.Sidecar.Request), Limit: w.Limit.less(w.Sidecar.Limit)}
}

// Set is a stack's whole workload.
type Set struct {
	App, Traefik, VictoriaMetrics, Grafana, KubeStateMetrics, NodeExporter Workload
	CertManager, CAInjector, Webhook, Pooler, Reconcile, Scheduled         Workload
}

// All yields every workload in a fixed order.
func (s Set) All() iter.Seq[Workload] {
	return func(yield func(Workload) bool) {
		for _, w := range []Workload{
			s.App, s.Traefik, s.VictoriaMetrics, s.Grafana, s.KubeStateMetrics, s.NodeExporter,
			s.CertManager, s.CAInjector, s.Webhook, s.Pooler, s.Reconcile, s.Scheduled,
		} {
			if !yield(w) {
				return
			}
		}
	}
}

// VolumeGiB is the block storage of the whole set.
func (s Set) VolumeGiB() int {
	sum := 0
	for w := range s.All() {
		sum += w.VolumeGiB * w.Replicas
	}
	return sum
}

// MostConnections is how many database connections all Pods may open at once, a rolling
// update included.
func (w Workload) MostConnections() int { return w.Connections * (w.Replicas + w.Surge) }

// Connections is MostConnections of the whole set.
func (s Set) Connections() int {
	sum := 0
	for w := range s.All() {
		sum += w.MostConnections()
	}
	return sum
}
