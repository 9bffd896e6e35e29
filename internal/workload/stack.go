package workload

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/settings"
)

// Names of the platform's namespaces.
const (
	AppNamespace         = "app"
	IngressNamespace     = "ingress"
	MonitoringNamespace  = "monitoring"
	NodeMetricsNamespace = "node-metrics"
	CertManagerNamespace = "cert-manager"
	TenantsNamespace     = "tenants"
	PoolerNamespace      = "pooler"
)

// The names of the platform's workloads. Network policies select Pods by them, so a renamed
// workload cannot lose a connection that a policy allows.
var (
	App              = Ref{AppNamespace, "app"}
	Traefik          = Ref{IngressNamespace, "traefik"}
	VictoriaMetrics  = Ref{MonitoringNamespace, "victoria-metrics"}
	Grafana          = Ref{MonitoringNamespace, "grafana"}
	KubeStateMetrics = Ref{MonitoringNamespace, "kube-state-metrics"}
	VMAlert          = Ref{MonitoringNamespace, "vmalert"}
	NodeExporter     = Ref{NodeMetricsNamespace, "node-exporter"}
	CertManager      = Ref{CertManagerNamespace, "cert-manager"}
	CAInjector       = Ref{CertManagerNamespace, "cert-manager-cainjector"}
	Webhook          = Ref{CertManagerNamespace, "cert-manager-webhook"}
	Pooler           = Ref{PoolerNamespace, "pooler"}
	Reconcile        = Ref{TenantsNamespace, "reconcile"}
	Usage            = Ref{TenantsNamespace, "usage"}
)

// PoolerMetricsPort is the TCP port of the exporter in each pooler Pod.
const PoolerMetricsPort = 9127

// PoolerHost and PoolerPort are the address in the tenants' connection strings.
const (
	PoolerHost = "pooler." + PoolerNamespace + ".svc.cluster.local"
	PoolerPort = 6432
)

// StoreHost and StorePort are the address of VictoriaMetrics in the cluster.
const (
	StoreHost = "victoria-metrics." + MonitoringNamespace + ".svc.cluster.local"
	StorePort = 8428
)

// TenantsPath is the folder of the app's container with the list of tenants and their
// connection strings.
const TenantsPath = "/etc/tenants"

// PlatformConnections is the number of database connections that the platform itself may
// use. The reconcile Job has one session of the administrator, one that watches for
// blocking sessions, and two for a dump as the owner of a schema. While no dump runs, these
// two are free for an operator with psql and for a second run: a run that waits has one
// session, and a scheduled run makes no dumps. The hourly run that counts usage has one session
// for some seconds. If it gets none, the next one does its work.
const PlatformConnections = 4

// MinPoolerConnections is the least number of server connections that the tenants share in
// each pooler.
const MinPoolerConnections = 3

// For returns the workloads of a stack. The settings must have their defaults and no faults
// (settings.Load).
//
// The memory requests are above the working sets that others observed, in MiB: idle
// cert-manager 23-31, its cainjector 19-29 and its webhook 11-19; Traefik 80-99;
// kube-state-metrics 32-64; node-exporter 30-50. Grafana 13 was killed with limits of
// 300-400 MiB (grafana#123017), so it requests 512 MiB with a limit of 768 MiB.
func For(s settings.Settings) Set {
	return Set{
		App:             app(s),
		Traefik:         traefik(s.Capacity),
		VictoriaMetrics: victoriaMetrics(s),
		// Without surge: two Grafanas would request 1 GiB during an update.
		Grafana: Workload{Ref: Grafana, Kind: Deployment, Pods: components.Pods{
			Replicas: 1, Request: components.Resources{MilliCPU: 50, MiB: 512}, Limit: components.Resources{MiB: 768},
		}},
		VMAlert:          vmalert(),
		KubeStateMetrics: single(KubeStateMetrics, components.Resources{MilliCPU: 10, MiB: 64}, components.Resources{MiB: 128}),
		NodeExporter: Workload{Ref: NodeExporter, Kind: DaemonSet, Pods: components.Pods{
			Request: components.Resources{MilliCPU: 10, MiB: 40}, Limit: components.Resources{MiB: 80},
		}},
		CertManager: single(CertManager, components.Resources{MilliCPU: 10, MiB: 48}, components.Resources{MiB: 160}),
		CAInjector:  single(CAInjector, components.Resources{MilliCPU: 10, MiB: 64}, components.Resources{MiB: 256}),
		Webhook:     rolling(Webhook, components.Resources{MilliCPU: 10, MiB: 24}, components.Resources{MiB: 96}),
		Pooler:      pooler(s.Capacity),
		// An update's two Jobs run one after the other. A scheduled run may run at the same
		// time as one of them.
		Reconcile: reconcile(Job, s.Archive.VolumeGiB),
		Scheduled: reconcile(CronJob, 0),
		Usage:     usage(),

		TransferGiB: transferGiB(s),
	}
}

// victoriaMetrics returns the store of metrics. Without surge: its volume can be attached to one
// node only.
func victoriaMetrics(s settings.Settings) Workload {
	mib := max(256, storeMiB(s))
	return Workload{Ref: VictoriaMetrics, Kind: Deployment, Pods: components.Pods{
		Replicas: 1, Request: components.Resources{MilliCPU: 100, MiB: mib}, Limit: components.Resources{MiB: 2 * mib}, VolumeGiB: s.Monitoring.VolumeGiB,
	}}
}

// WithTenants returns the workload with enough memory for the metrics of the tenants of these
// settings.
func (set Set) WithTenants(s settings.Settings) Set {
	store := &set.VictoriaMetrics
	store.Request.MiB = max(store.Request.MiB, storeMiB(s))
	store.Limit.MiB = max(store.Limit.MiB, 2*store.Request.MiB)
	return set
}

// vmalert returns vmalert with Alertmanager. They used 17 and 36 MiB when idle (measured). Without
// surge: two of them would send each message twice.
func vmalert() Workload {
	return Workload{Ref: VMAlert, Kind: Deployment, Pods: components.Pods{
		Replicas: 1, Request: components.Resources{MilliCPU: 15, MiB: 88}, Limit: components.Resources{MiB: 176},
		Sidecar: components.Share{Request: components.Resources{MilliCPU: 5, MiB: 56}, Limit: components.Resources{MiB: 112}},
	}}
}

// reconcile returns the Pod that runs psql and pg_dump. They need little memory; the limit is
// enough for 1,000 tenants.
func reconcile(kind Kind, volumeGiB int) Workload {
	return Workload{Ref: Reconcile, Kind: kind, Pods: components.Pods{
		Replicas: 1, Request: components.Resources{MilliCPU: 10, MiB: 32}, Limit: components.Resources{MiB: 128}, VolumeGiB: volumeGiB,
	}}
}

// usage returns the Pod that runs psql and a shell once an hour. psql used 13 MiB with 1,000
// tenants (measured).
func usage() Workload {
	return Workload{Ref: Usage, Kind: CronJob, Pods: components.Pods{
		Replicas: 1, Request: components.Resources{MilliCPU: 5, MiB: 32}, Limit: components.Resources{MiB: 96},
	}}
}

// single returns a Deployment with one replica that an update stops before its successor starts. No
// request waits for it, so some seconds without it do no harm.
func single(ref Ref, request, limit components.Resources) Workload {
	return Workload{Ref: ref, Kind: Deployment, Pods: components.Pods{Replicas: 1, Request: request, Limit: limit}}
}

// rolling returns a Deployment with one replica that a rolling update replaces.
func rolling(ref Ref, request, limit components.Resources) Workload {
	return Workload{Ref: ref, Kind: Deployment, Pods: components.Pods{Replicas: 1, Surge: 1, Request: request, Limit: limit}}
}

func traefik(c settings.Capacity) Workload {
	w := rolling(Traefik, components.Resources{MilliCPU: 50, MiB: 96}, components.Resources{MiB: 192})
	if c.SurviveNodeLoss {
		w.Replicas, w.Spread = 2, true
	}
	return w
}

// pooler returns PgBouncer with its exporter. PgBouncer 1.24.1 used 11 MiB when idle and 33
// MiB with 1,500 clients over TLS (measured). The exporter used 15 MiB, and about 20 MiB with
// the pools of 300 tenants. Of two replicas, an update stops one before its successor starts,
// so there are never more than settings.Poolers.
func pooler(c settings.Capacity) Workload {
	w := rolling(Pooler, components.Resources{MilliCPU: 25, MiB: 56}, components.Resources{MiB: 112})
	w.Sidecar = components.Share{Request: components.Resources{MilliCPU: 5, MiB: 24}, Limit: components.Resources{MiB: 48}}
	if c.SurviveNodeLoss {
		w.Replicas, w.Surge, w.Spread = settings.Poolers, 0, true
	}
	w.Connections = MinPoolerConnections
	return w
}

func app(s settings.Settings) Workload {
	replicas := s.App.Replicas
	if replicas == 0 {
		replicas = replicasFor(s.Capacity.ConcurrentUsers)
	}
	request := eachReplica(s.Capacity, replicas)
	if s.App.CPU != "" {
		request.MilliCPU = int(quantity(s.App.CPU).MilliValue())
	}
	if s.App.Memory != "" {
		const mib = 1 << 20
		bytes := quantity(s.App.Memory).Value()
		request.MiB = int((bytes + mib - 1) / mib)
	}
	return Workload{Ref: App, Kind: Deployment, Connections: s.App.DatabasePool, Pods: components.Pods{
		Replicas: replicas, Surge: 1, Spread: replicas > 1, Request: request, Limit: components.Resources{MiB: 2 * request.MiB},
	}}
}

// quantity parses a quantity. settings.Load has checked it, so MustParse does not panic.
func quantity(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}
