package dashboards

import (
	"fmt"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/workload"
)

// platform is for an operator: do the machines, Pods, certificates and the database have room.
func platform(s alerts.Stack) dashboard {
	const (
		day       = 24 * 60 * 60
		container = `(namespace, pod, container)`
		memory    = `max by ` + container + ` (container_memory_working_set_bytes{container!=""})`
		requested = `sum(max by ` + container + ` (kube_pod_container_resource_requests{resource="memory"})` +
			` * on (namespace, pod) group_left () max by (namespace, pod) (kube_pod_status_phase{phase="Running"} == 1))`
		allocatable = `sum(max by (node) (kube_node_status_allocatable{resource="memory"}))`
		root        = `{mountpoint="/"}`
	)
	pooler := func(aggregate, metric string) string { return aggregate + `(` + metric + `{name!="pgbouncer"})` }
	nodes := number("Nodes that are ready", count, `sum(max by (node) (kube_node_status_condition{condition="Ready",status="true"}))`).
		describe(fmt.Sprintf("The bill has %d.", s.Nodes)).alert("NodesMissing", "NodesUnplanned")
	if s.Nodes > 0 {
		nodes = nodes.warnBelow(float64(s.Nodes), float64(s.Nodes))
	} else {
		nodes = nodes.describe("The nodes are not on the bill.")
	}
	return dashboard{
		uid: "platform", title: "Platform", from: "now-6h", question: "Do the machines, the Pods, the certificates and the database have room?",
		panels: []panel{
			nodes,
			number("Memory that is requested", share, requested+` / `+allocatable).
				describe("Requests of running Pods, as a share of what the nodes give to Pods. A rolling update needs some more.").warnAbove(0.9, 1).upTo(1).read("The sizes", "plan.md#the-nodes"),
			number("Certificates are valid for", seconds, `min(certmanager_certificate_expiration_timestamp_seconds) - time()`).
				describe("The first one that expires. A certificate of 90 days is renewed when 30 are left.").warnBelow(25*day, 14*day).alert("CertificateExpires", "CertificateNotReady"),
			number("Restarts of containers", count, `sum(increase_prometheus(kube_pod_container_status_restarts_total[$__range])) or vector(0)`).
				describe("In the time that is shown.").warnAbove(1, 3).alert("ContainerRestarts", "ContainerOOMKilled"),
			number("Jobs that failed", count, `count(max by (namespace, job_name) (kube_job_failed{condition="true"}) == 1) or vector(0)`).
				describe("Jobs of the tenants and of their usage that Kubernetes still has.").warnAbove(1, 2).alert("ReconcileFailed", "ReconcileMissing", "UsageMissing"),
			number("Metrics that cannot be read", count, `count(up == 0) or vector(0)`).
				describe("Pods and kubelets that do not answer to the store.").warnAbove(1, 2).alert("TargetDown", "TargetsMissing"),
			lines("Nodes: CPU and memory in use", share,
				query{`1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))`, "CPU of {{node}}"},
				query{`1 - max by (node) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes)`, "memory of {{node}}"}).
				describe("Of the whole machine, with the system.").upTo(1).alert("NodeMemoryLow"),
			lines("Memory of Pods: used, requested, allocatable", bytes,
				query{`sum(` + memory + `)`, "used"}, query{requested, "requested"}, query{allocatable, "allocatable"}).
				describe("The scheduler places Pods by their requests.").alert("NodeMemoryLow").read("The sizes", "plan.md#the-nodes"),
			bars("Containers nearest to their memory limit", share, `topk(10, max by (namespace, container) (`+memory+
				` / on `+container+` max by `+container+` (kube_pod_container_resource_limits{resource="memory"})))`, "{{namespace}}/{{container}}").
				describe("Above its limit a container is killed.").warnAbove(0.8, 0.9).upTo(1).alert("ContainerMemoryHigh", "ContainerOOMKilled"),
			lines("Disks in use", share,
				query{`1 - max by (node) (node_filesystem_avail_bytes` + root + ` / node_filesystem_size_bytes` + root + `)`, "node {{node}}"},
				query{`1 - max(vm_free_disk_space_bytes / vm_total_disk_space_bytes)`, "volume of the metrics"}).
				describe("The kubelet begins to evict Pods at 85 % of a node's disk.").upTo(1).alert("NodeDiskFull", "MetricsVolumeFull"),
			lines("Database connections of the poolers", count,
				query{pooler("sum", workload.PoolerOpen), "open"}, query{`sum(` + workload.PoolerBusy + `)`, "in a transaction"},
				query{`sum(` + workload.PoolerLogins + `)`, "logging in"}, query{pooler("sum", workload.PoolerLimit), "limit"}).
				describe("All tenants share them.").alert("DatabaseConnectionsUsedUp"),
			lines("Clients that wait for a database connection", count,
				query{`sum(` + workload.PoolerWaiting + `)`, "clients"}, query{`max(` + workload.PoolerWaitSeconds + `)`, "longest wait (s)"}).
				describe("Of all tenants. A wait of some seconds is felt.").alert("DatabaseConnectionsUsedUp"),
		},
	}
}
