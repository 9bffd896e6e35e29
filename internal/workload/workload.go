// Package workload is the set of everything that will run in a stack's cluster:
// every container with its requests and limits, replicas, volumes and database
// connections. The sizing places it, the bill prices its volumes, and the
// components build their Pods from the same values.
package workload

import (
	"iter"

	"github.com/genericcorp/platform/components"
)

// Resources and Share are the types that the components take.
type (
	Resources = components.Resources
	Share     = components.Share
)

// Kind is how Kubernetes runs a workload.
type Kind string

// The kinds that the platform uses.
const (
	Deployment Kind = "Deployment"
	DaemonSet  Kind = "DaemonSet"
	Job        Kind = "Job"
	CronJob    Kind = "CronJob"
)

// Ref names a workload in the cluster.
type Ref struct {
	Namespace string
	// Name of the controller, of its service account, and the label
	// app.kubernetes.io/name of its Pods.
	Name string
}

// Workload is one controller and the Pods that it runs.
type Workload struct {
	Ref
	Kind Kind
	components.Pods
	// Connections is how many database connections each Pod may open.
	Connections int
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
