package workload

import (
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/settings"
)

// Namespaces of the platform.
const (
	AppNamespace         = "app"
	IngressNamespace     = "ingress"
	MonitoringNamespace  = "monitoring"
	NodeMetricsNamespace = "node-metrics"
	CertManagerNamespace = "cert-manager"
	TenantsNamespace     = "tenants"
	PoolerNamespace      = "pooler"
)

// The workloads of the platform. NetworkPolicies name their Pods by these, so that a new
// name cannot close a policy.
var (
	App              = Ref{AppNamespace, "app"}
	Traefik          = Ref{IngressNamespace, "traefik"}
	VictoriaMetrics  = Ref{MonitoringNamespace, "victoria-metrics"}
	Grafana          = Ref{MonitoringNamespace, "grafana"}
	KubeStateMetrics = Ref{MonitoringNamespace, "kube-state-metrics"}
	NodeExporter     = Ref{NodeMetricsNamespace, "node-exporter"}
	CertManager      = Ref{CertManagerNamespace, "cert-manager"}
	CAInjector       = Ref{CertManagerNamespace, "cert-manager-cainjector"}
	Webhook          = Ref{CertManagerNamespace, "cert-manager-webhook"}
	Pooler           = Ref{PoolerNamespace, "pooler"}
	Reconcile        = Ref{TenantsNamespace, "reconcile"}
)

// PoolerMetricsPort is where each pooler's exporter is scraped.
const PoolerMetricsPort = 9127

// PoolerHost and PoolerPort are where tenants' connections go.
const (
	PoolerHost = "pooler." + PoolerNamespace + ".svc.cluster.local"
	PoolerPort = 6432
)

// TenantsPath is the folder in which the app finds its tenants.
const TenantsPath = "/etc/tenants"

// PlatformConnections is what the platform keeps of the database's connections: the
// reconcile Job's administrator, its session that watches for blockers, and two for a
// dump as a schema's owner. While no dump runs, the two are for an operator with psql, and
// for a second run: one that waits has one session, and a scheduled run makes no dumps.
const PlatformConnections = 4

// MinPoolerConnections is how many server connections the tenants share in each
// pooler at least.
const MinPoolerConnections = 3

// For derives the workload of a stack from its settings.
//
// Memory figures of the platform's own parts are working sets observed by others
// (cert-manager 23-31, 19-29 and 11-19 MiB idle; Traefik 80-99; kube-state-metrics
// 32-64; node-exporter 30-50) with room above them. Grafana 13 was killed with
// limits of 300-400 MiB (grafana#123017), so it gets 512 and more.
func For(s settings.Settings) Set {
	return Set{
		App:     app(s),
		Traefik: traefik(s.Capacity),
		// Recreated rather than rolled: its volume attaches to one node at a time.
		VictoriaMetrics: Workload{Ref: VictoriaMetrics, Kind: Deployment, Pods: components.Pods{
			Replicas: 1, Request: Resources{MilliCPU: 100, MiB: 256}, Limit: Resources{MiB: 512}, VolumeGiB: s.Monitoring.VolumeGiB,
		}},
		// Recreated rather than rolled: two Grafanas would need a gigabyte.
		Grafana: Workload{Ref: Grafana, Kind: Deployment, Pods: components.Pods{
			Replicas: 1, Request: Resources{MilliCPU: 50, MiB: 512}, Limit: Resources{MiB: 768},
		}},
		KubeStateMetrics: rolling(KubeStateMetrics, Resources{MilliCPU: 10, MiB: 64}, Resources{MiB: 128}),
		NodeExporter: Workload{Ref: NodeExporter, Kind: DaemonSet, Pods: components.Pods{
			Request: Resources{MilliCPU: 10, MiB: 40}, Limit: Resources{MiB: 80},
		}},
		CertManager: rolling(CertManager, Resources{MilliCPU: 10, MiB: 48}, Resources{MiB: 160}),
		CAInjector:  rolling(CAInjector, Resources{MilliCPU: 10, MiB: 64}, Resources{MiB: 256}),
		Webhook:     rolling(Webhook, Resources{MilliCPU: 10, MiB: 24}, Resources{MiB: 96}),
		Pooler:      pooler(s.Capacity),
		// An update's two Jobs run one after the other, and a scheduled run beside them.
		Reconcile: reconcile(Job, s.Archive.VolumeGiB),
		Scheduled: reconcile(CronJob, 0),
	}
}

// reconcile runs psql and pg_dump, which hold little; the limit covers a thousand tenants.
func reconcile(kind Kind, volumeGiB int) Workload {
	return Workload{Ref: Reconcile, Kind: kind, Pods: components.Pods{
		Replicas: 1, Request: Resources{MilliCPU: 10, MiB: 32}, Limit: Resources{MiB: 128}, VolumeGiB: volumeGiB,
	}}
}

func rolling(ref Ref, request, limit Resources) Workload {
	return Workload{Ref: ref, Kind: Deployment, Pods: components.Pods{Replicas: 1, Surge: 1, Request: request, Limit: limit}}
}

func traefik(c settings.Capacity) Workload {
	w := rolling(Traefik, Resources{MilliCPU: 50, MiB: 96}, Resources{MiB: 192})
	if c.SurviveNodeLoss {
		w.Replicas, w.Spread = 2, true
	}
	return w
}

// pooler holds 11 MiB at rest and 33 MiB with 1,500 clients over TLS (measured with
// PgBouncer 1.24.1). Its exporter holds 15 MiB, and some 20 with the pools of 300
// tenants. Where there are two, an update stops one before its successor starts, so that
// there are never more than settings.Poolers.
func pooler(c settings.Capacity) Workload {
	w := rolling(Pooler, Resources{MilliCPU: 25, MiB: 56}, Resources{MiB: 112})
	w.Sidecar = Share{Request: Resources{MilliCPU: 5, MiB: 24}, Limit: Resources{MiB: 48}}
	if c.SurviveNodeLoss {
		w.Replicas, w.Surge, w.Spread = settings.Poolers, 0, true
	}
	w.Connections = MinPoolerConnections
	return w
}

func app(s settings.Settings) Workload {
	replicas, request := appSize(s.Capacity.ConcurrentUsers)
	if s.App.Replicas > 0 {
		replicas = s.App.Replicas
		request = eachReplica(s.Capacity.ConcurrentUsers, replicas)
	}
	if s.App.CPU != "" {
		request.MilliCPU = int(quantity(s.App.CPU).MilliValue())
	}
	if s.App.Memory != "" {
		const mib = 1 << 20
		bytes := quantity(s.App.Memory).Value()
		request.MiB = int((bytes + mib - 1) / mib)
	}
	return Workload{Ref: App, Kind: Deployment, Connections: s.App.DatabasePool, Pods: components.Pods{
		Replicas: replicas, Surge: 1, Spread: replicas > 1, Request: request, Limit: Resources{MiB: 2 * request.MiB},
	}}
}

// quantity reads what settings has already checked.
func quantity(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}
