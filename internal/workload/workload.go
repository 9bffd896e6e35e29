// Package workload computes everything that runs in a stack's cluster: every Pod with its
// requests and limits, replicas, volumes and database connections. The sizing places these
// Pods on nodes, the bill has the price of their volumes, and the components create them with
// the same values. The package also has the names of workloads and namespaces.
package workload

import (
	"iter"

	"github.com/genericcorp/platform/components"
)

// Kind is the kind of Kubernetes object that runs a workload.
type Kind string

// The kinds of the platform's workloads.
const (
	Deployment Kind = "Deployment"
	DaemonSet  Kind = "DaemonSet"
	Job        Kind = "Job"
	CronJob    Kind = "CronJob"
)

// Ref names a workload in the cluster.
type Ref struct {
	// Namespace is the namespace of the workload's objects; empty for objects of the whole
	// cluster.
	Namespace string
	// Name is the name of the controller and of its service account. It is also the label
	// app.kubernetes.io/name of its Pods.
	Name string
}

// Workload is one controller (Kind) and the Pods that it runs.
type Workload struct {
	Ref
	Kind Kind
	components.Pods
	// Connections is the number of database connections that each Pod may open.
	Connections int
}

// Set has all workloads of a stack. For returns it.
type Set struct {
	App, Traefik, VictoriaMetrics, Grafana, VMAlert, KubeStateMetrics, NodeExporter Workload
	CertManager, CAInjector, Webhook, Pooler, Reconcile, Scheduled, Usage           Workload

	// TransferGiB is the outbound traffic of the app in a month, in GiB.
	TransferGiB int
}

// All returns every workload, always in the same order.
func (s Set) All() iter.Seq[Workload] {
	return func(yield func(Workload) bool) {
		for _, w := range []Workload{
			s.App, s.Traefik, s.VictoriaMetrics, s.Grafana, s.VMAlert, s.KubeStateMetrics, s.NodeExporter,
			s.CertManager, s.CAInjector, s.Webhook, s.Pooler, s.Reconcile, s.Scheduled, s.Usage,
		} {
			if !yield(w) {
				return
			}
		}
	}
}

// VolumeGiB returns the block storage of all workloads together, in GiB.
func (s Set) VolumeGiB() int {
	sum := 0
	for w := range s.All() {
		sum += w.VolumeGiB * w.Replicas
	}
	return sum
}

// MostConnections returns how many database connections the workload's Pods may open at the
// same time, with those that a rolling update adds.
func (w Workload) MostConnections() int { return w.Connections * (w.Replicas + w.Surge) }

// Connections returns the sum of MostConnections of all workloads.
func (s Set) Connections() int {
	sum := 0
	for w := range s.All() {
		sum += w.MostConnections()
	}
	return sum
}
