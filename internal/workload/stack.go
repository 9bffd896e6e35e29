package workload

import (
	"k8s.io/apimachinery/pkg/api/resource"

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
		VictoriaMetrics: Workload{
			Namespace: MonitoringNamespace, Name: "victoria-metrics", Kind: Deployment, Replicas: 1,
			Request: Resources{100, 256}, Limit: Resources{0, 512}, VolumeGiB: s.Monitoring.VolumeGiB,
		},
		// Recreated rather than rolled: two Grafanas would need a gigabyte.
		Grafana: Workload{
			Namespace: MonitoringNamespace, Name: "grafana", Kind: Deployment, Replicas: 1,
			Request: Resources{50, 512}, Limit: Resources{0, 768},
		},
		KubeStateMetrics: rolling(MonitoringNamespace, "kube-state-metrics", Resources{10, 64}, Resources{0, 128}),
		NodeExporter: Workload{
			Namespace: NodeMetricsNamespace, Name: "node-exporter", Kind: DaemonSet,
			Request: Resources{10, 40}, Limit: Resources{0, 80},
		},
		CertManager: rolling(CertManagerNamespace, "cert-manager", Resources{10, 48}, Resources{0, 160}),
		CAInjector:  rolling(CertManagerNamespace, "cert-manager-cainjector", Resources{10, 64}, Resources{0, 256}),
		Webhook:     rolling(CertManagerNamespace, "cert-manager-webhook", Resources{10, 24}, Resources{0, 96}),
		Pooler:      pooler(s.Capacity),
		// An update's two Jobs run one after the other, and a scheduled run beside them.
		Reconcile: reconcile(Job, s.Archive.VolumeGiB),
		Scheduled: reconcile(CronJob, 0),
	}
}

// reconcile runs psql and pg_dump, which hold little; the limit covers a thousand tenants.
func reconcile(kind Kind, volumeGiB int) Workload {
	return Workload{
		Namespace: TenantsNamespace, Name: "reconcile", Kind: kind, Replicas: 1,
		Request: Resources{10, 32}, Limit: Resources{0, 128}, VolumeGiB: volumeGiB,
	}
}

func rolling(namespace, name string, request, limit Resources) Workload {
	return Workload{
		Namespace: namespace, Name: name, Kind: Deployment, Replicas: 1, Surge: 1, Request: request, Limit: limit,
	}
}

func traefik(c settings.Capacity) Workload {
	w := rolling(IngressNamespace, "traefik", Resources{50, 96}, Resources{0, 192})
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
	w := rolling(PoolerNamespace, "pooler", Resources{25, 56}, Resources{0, 112})
	w.Sidecar = Share{Request: Resources{5, 24}, Limit: Resources{0, 48}}
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
	return Workload{
		Namespace: AppNamespace, Name: "app", Kind: Deployment, Replicas: replicas, Surge: 1, Spread: replicas > 1,
		Request: request, Limit: Resources{0, 2 * request.MiB}, Connections: s.App.DatabasePool,
	}
}

// quantity reads what settings has already checked.
func quantity(s string) *resource.Quantity {
	q := resource.MustParse(s)
	return &q
}
