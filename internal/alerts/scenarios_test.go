package alerts_test

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/workload"
)

// start is the time of the first sample, 2000-01-01, in seconds since 1970.
const start = 946684800

// scenario has the samples of some series, and what a rule must do with them.
type scenario struct {
	rule, name string
	// every is the time between two samples and between two evaluations; empty is a minute.
	every string
	// series are pairs of a series and its samples in vmalert-tool's notation: "1x9" is ten
	// times 1, "0+5x9" begins at 0 and adds 5 nine times, "_" is no sample.
	series [][2]string
	// quiet are times at which the alert does not fire.
	quiet []string
	// fires is a time at which it fires with labels and a summary; empty is never.
	fires, summary string
	labels         map[string]string
}

func scenarios() []scenario {
	return slices.Concat(ofApp(), ofBudgets(), ofCertificates(), ofNodes(), ofContainers(), ofDatabase(), ofTenants(), ofMonitoring(), ofCosts(), ofTraffic())
}

func ofApp() []scenario {
	const (
		available = `kube_deployment_status_replicas_available{namespace="app",deployment="app",pod="exporter"}`
		wanted    = `kube_deployment_spec_replicas{namespace="app",deployment="app",pod="exporter"}`
	)
	labels := map[string]string{"namespace": "app", "deployment": "app"}
	return []scenario{
		{
			rule: "AppDown", name: "no Pod for ten minutes", series: [][2]string{{available, "1x9 0x9 1x9"}},
			quiet: []string{"9m", "11m", "21m"}, fires: "13m", labels: labels, summary: "app has no ready Pod. Users get errors.",
		},
		{
			rule: "AppDown", name: "a platform's Pod that no request needs",
			series: [][2]string{{`kube_deployment_status_replicas_available{namespace="monitoring",deployment="grafana"}`, "0x30"}},
			quiet:  []string{"20m"},
		},
		{
			rule: "DeploymentNotReady", name: "one of two Pods for half an hour", series: [][2]string{{wanted, "2x60"}, {available, "2x4 1x29 2x20"}},
			quiet: []string{"4m", "15m", "36m"}, fires: "25m", labels: labels, summary: "app/app has Pods that are not ready for 15 minutes: 1.",
		},
	}
}

// ofBudgets has a fault from the start, so that its share is the same in each window.
func ofBudgets() []scenario {
	const (
		good    = `traefik_entrypoint_requests_total{entrypoint="websecure",code="200"}`
		failed  = `traefik_entrypoint_requests_total{entrypoint="websecure",code="502"}`
		web     = `traefik_entrypoint_requests_total{entrypoint="web",code="502"}`
		count   = `traefik_entrypoint_request_duration_seconds_count{entrypoint="websecure",protocol="http"}`
		within  = `traefik_entrypoint_request_duration_seconds_bucket{entrypoint="websecure",protocol="http",le="1"}`
		streams = `traefik_entrypoint_request_duration_seconds_count{entrypoint="websecure",protocol="sse"}`
		ended   = `traefik_entrypoint_request_duration_seconds_bucket{entrypoint="websecure",protocol="sse",le="1"}`
	)
	return []scenario{
		{
			rule: "ErrorBudgetBurnFast", name: "every tenth request fails for half an hour",
			series: [][2]string{{good, "0+90x120"}, {failed, "0+10x30 300x90"}},
			quiet:  []string{"1m", "70m"}, fires: "20m", summary: "10% of the requests fail. The objective is at most 0.5%.",
		},
		{
			rule: "ErrorBudgetBurnFast", name: "half a percent fails, as the objective allows",
			series: [][2]string{{good, "0+995x90"}, {failed, "0+5x90"}, {web, "0+500x90"}}, quiet: []string{"20m", "80m"},
		},
		{
			rule: "ErrorBudgetBurnFast", name: "few requests, and nine of them fail",
			series: [][2]string{{good, "0x60"}, {failed, "0+1x9 9x60"}}, quiet: []string{"12m", "30m"},
		},
		{
			rule: "ErrorBudgetBurnSlow", name: "one request in a hundred fails for two hours",
			series: [][2]string{{good, "0+99x400"}, {failed, "0+1x120 120x280"}},
			quiet:  []string{"60m", "260m"}, fires: "90m", summary: "1% of the requests of three days failed. The objective is at most 0.5%.",
		},
		{
			rule: "ErrorBudgetBurnFast", name: "one request in a hundred fails", series: [][2]string{{good, "0+99x90"}, {failed, "0+1x90"}}, quiet: []string{"80m"},
		},
		{
			rule: "LatencyBudgetBurnFast", name: "half of the requests are slow for half an hour",
			series: [][2]string{{count, "0+100x120"}, {within, "0+50x30 1500+100x90"}},
			quiet:  []string{"1m", "70m"}, fires: "20m", summary: "50% of the requests take more than 1000 ms. The objective is at most 5%.",
		},
		{
			rule: "LatencyBudgetBurnFast", name: "live streams are open for minutes",
			series: [][2]string{{count, "0+100x60"}, {within, "0+98x60"}, {streams, "0+900x60"}, {ended, "0x60"}}, quiet: []string{"20m", "50m"},
		},
		{
			rule: "LatencyBudgetBurnSlow", name: "one request in ten is slow for two hours",
			series: [][2]string{{count, "0+100x400"}, {within, "0+90x120 10800+100x280"}},
			quiet:  []string{"60m", "260m"}, fires: "90m", summary: "10% of the requests of three days took more than 1000 ms. The objective is at most 5%.",
		},
	}
}

func ofCertificates() []scenario {
	const (
		expires = `certmanager_certificate_expiration_timestamp_seconds{namespace="ingress",name="wildcard-tls"}`
		ready   = `certmanager_certificate_ready_status{namespace="ingress",name="wildcard-tls",condition="True"}`
	)
	labels := map[string]string{"namespace": "ingress", "name": "wildcard-tls"}
	return []scenario{
		{
			rule: "CertificateExpires", name: "ten days, then renewed", series: [][2]string{{expires, fmt.Sprintf("%dx29 %dx30", start+10*86400, start+90*86400)}},
			quiet: []string{"10m", "32m"}, fires: "20m", labels: labels,
			summary: "The certificate wildcard-tls expires in 9d 23h 40m 0s and was not renewed.",
		},
		{rule: "CertificateExpires", name: "fifteen days", series: [][2]string{{expires, fmt.Sprintf("%dx60", start+15*86400)}}, quiet: []string{"50m"}},
		{
			rule: "CertificateNotReady", name: "not ready for 90 minutes", series: [][2]string{{ready, "1x4 0x89 1x20"}},
			quiet: []string{"4m", "60m", "97m"}, fires: "70m", labels: labels, summary: "The certificate wildcard-tls is not ready for an hour.",
		},
	}
}

func ofNodes() []scenario {
	const (
		free   = `node_memory_MemAvailable_bytes{node="a"}`
		memory = `node_memory_MemTotal_bytes{node="a"}`
		left   = `node_filesystem_avail_bytes{node="a",mountpoint="/"}`
		size   = `node_filesystem_size_bytes{node="a",mountpoint="/"}`
		readyA = `kube_node_status_condition{node="a",condition="Ready",status="true"}`
		readyB = `kube_node_status_condition{node="b",condition="Ready",status="true"}`
	)
	node := map[string]string{"node": "a"}
	const diskFull = "The disk of the node a is nearly full, or will be within four days."
	return []scenario{
		{
			rule: "NodeMemoryLow", name: "half an hour", series: [][2]string{{free, "400x9 50x29 400x20"}, {memory, "1000x60"}},
			quiet: []string{"9m", "20m", "41m"}, fires: "30m", labels: node, summary: "The node a has 5% of its memory left.",
		},
		{
			rule: "NodeDiskFull", name: "little is left", series: [][2]string{{left, "500x9 150x49 500x20"}, {size, "1000x80"}},
			quiet: []string{"9m", "35m", "61m"}, fires: "45m", labels: node, summary: diskFull,
		},
		{
			rule: "NodeDiskFull", name: "144 of 1000 a day", series: [][2]string{{left, "450-0.1x100 900x40"}, {size, "1000x150"}},
			quiet: []string{"20m", "103m"}, fires: "60m", labels: node, summary: diskFull,
		},
		{
			rule: "NodeDiskFull", name: "72 of 1000 a day", series: [][2]string{{left, "450-0.05x100"}, {size, "1000x150"}}, quiet: []string{"90m"},
		},
		{
			rule: "NodesMissing", name: "a node is not ready", series: [][2]string{{readyA, "1x60"}, {readyB, "1x4 0x29 1x20"}},
			quiet: []string{"4m", "14m", "36m"}, fires: "20m", summary: "1 of 2 nodes are ready.",
		},
		{
			rule: "NodesMissing", name: "a node is deleted", series: [][2]string{{readyA, "1x60"}, {readyB, "1x4 _x34 1x20"}},
			quiet: []string{"4m", "41m"}, fires: "30m", summary: "1 of 2 nodes are ready.",
		},
		{
			rule: "NodesUnplanned", name: "a third node for more than two hours",
			series: [][2]string{{`kube_node_info{node="a"}`, "1x200"}, {`kube_node_info{node="b"}`, "1x200"}, {`kube_node_info{node="c"}`, "_x5 1x149 _x40"}},
			quiet:  []string{"4m", "110m", "180m"}, fires: "130m", summary: "3 nodes run, and the bill has 2.",
		},
	}
}

func ofContainers() []scenario {
	const (
		of       = `{namespace="app",pod="app-1",container="app"`
		used     = `container_memory_working_set_bytes` + of + `}`
		limit    = `kube_pod_container_resource_limits` + of + `,resource="memory"}`
		restarts = `kube_pod_container_status_restarts_total` + of + `}`
		reason   = `kube_pod_container_status_last_terminated_reason` + of + `,reason="OOMKilled"}`
		crashed  = `kube_pod_container_status_last_terminated_reason` + of + `,reason="Error"}`
		killed   = "app/app-1 (app) was killed because it used more memory than its limit."
	)
	labels := map[string]string{"namespace": "app", "pod": "app-1", "container": "app"}
	return []scenario{
		{
			rule: "ContainerMemoryHigh", name: "half an hour", series: [][2]string{{used, "50x9 95x29 50x20"}, {limit, "100x60"}},
			quiet: []string{"9m", "20m", "41m"}, fires: "30m", labels: labels,
			summary: "app/app-1 (app) uses 95% of its memory limit. Above the limit it is killed.",
		},
		{
			rule: "ContainerOOMKilled", name: "killed once", series: [][2]string{{restarts, "0x9 1x60"}, {reason, "_x10 1x60"}},
			quiet: []string{"9m", "30m"}, fires: "12m", labels: labels, summary: killed,
		},
		{
			rule: "ContainerOOMKilled", name: "it ended with an error", series: [][2]string{{restarts, "0x9 1x60"}, {crashed, "_x10 1x60"}}, quiet: []string{"12m"},
		},
		{
			rule: "ContainerOOMKilled", name: "the exporter restarts long after the kill",
			series: [][2]string{
				{`kube_pod_container_status_restarts_total` + of + `,instance="old"}`, "5x9"}, {`kube_pod_container_status_restarts_total` + of + `,instance="new"}`, "_x10 5x60"},
				{reason, "1x60"},
			},
			quiet: []string{"11m", "20m"},
		},
		{
			rule: "ContainerRestarts", name: "three times in a quarter of an hour", series: [][2]string{{restarts, "0x4 1x4 2x4 3x80"}},
			quiet: []string{"12m", "85m"}, fires: "17m", labels: labels, summary: "app/app-1 (app) restarted 3 times in an hour.",
		},
	}
}

func ofDatabase() []scenario {
	open := workload.PoolerOpen + `{pod="pooler-1",name="app",database="app"}`
	most := workload.PoolerLimit + `{pod="pooler-1",name="app",database="app"}`
	wait := workload.PoolerWaitSeconds + `{pod="pooler-1",database="app",user="tenant_acme"}`
	const (
		started  = `kube_job_status_start_time{namespace="tenants",job_name="%s"}`
		failed   = `kube_job_failed{namespace="tenants",job_name="%s",condition="true"}`
		complete = `kube_job_complete{namespace="tenants",job_name="%s",condition="true"}`
		success  = `kube_cronjob_status_last_successful_time{namespace="tenants",cronjob="reconcile"}`
		counted  = `kube_cronjob_status_last_successful_time{namespace="tenants",cronjob="usage"}`
		created  = `kube_cronjob_created{namespace="tenants",cronjob="usage"}`
	)
	job := func(metric, name string) string { return fmt.Sprintf(metric, name) }
	return []scenario{
		{
			rule: "DatabaseConnectionsUsedUp", name: "clients wait for a quarter of an hour",
			series: [][2]string{{open, "5x4 9x19 5x10"}, {most, "10x40"}, {wait, "0x4 3x19 0x10"}},
			quiet:  []string{"4m", "8m", "26m"}, fires: "15m", labels: map[string]string{"pod": "pooler-1", "name": "app"},
			summary: "90% of the database connections of pooler-1 are open, and clients wait for one.",
		},
		{rule: "DatabaseConnectionsUsedUp", name: "all are open, and no request waits", series: [][2]string{{open, "10x40"}, {most, "10x40"}, {wait, "0x40"}}, quiet: []string{"30m"}},
		{
			rule: "ReconcileFailed", name: "a run fails, the next one succeeds",
			series: [][2]string{
				{job(started, "a"), fmt.Sprintf("%dx40", start+60)}, {job(complete, "a"), "1x40"},
				{job(started, "b"), fmt.Sprintf("_x10 %dx30", start+600)}, {job(failed, "b"), "_x10 1x30"},
				{job(started, "c"), fmt.Sprintf("_x20 %dx20", start+1200)}, {job(complete, "c"), "_x20 1x20"},
			},
			quiet: []string{"9m", "21m"}, fires: "12m", summary: "The last Job of the tenants failed. Some tenants are not as the stack file declares, or one fills the table of locks.",
		},
		{
			rule: "ReconcileMissing", name: "no success for 70 minutes", series: [][2]string{{success, fmt.Sprintf("%dx69 %dx20", start, start+4200)}},
			quiet: []string{"59m", "64m", "72m"}, fires: "68m", summary: "No scheduled run of the tenants' Job has succeeded for 1h 8m 0s.",
		},
		{
			rule: "ReconcileFailed", name: "the Job that counts usage failed", series: [][2]string{
				{`kube_job_status_start_time{namespace="tenants",job_name="usage-29"}`, fmt.Sprintf("%dx60", start)},
				{`kube_job_failed{namespace="tenants",job_name="usage-29",condition="true"}`, "1x60"},
			},
			quiet: []string{"20m", "50m"},
		},
		{
			rule: "UsageMissing", name: "no success for 27 hours", series: [][2]string{
				{counted, fmt.Sprintf("%dx1619 %dx60", start, start+97200)}, {created, fmt.Sprintf("%dx1680", start)},
			},
			quiet: []string{"25h59m", "26h4m", "27h2m"}, fires: "26h30m", summary: "The usage of tenants has not been counted for 1d 2h 30m 0s.",
		},
		{
			rule: "UsageMissing", name: "it has never succeeded", series: [][2]string{{created, fmt.Sprintf("%dx1680", start)}},
			quiet: []string{"20m", "26h4m"}, fires: "27h", summary: "The usage of tenants has not been counted for 1d 3h 0m 0s.",
		},
	}
}

func ofMonitoring() []scenario {
	const (
		target  = `up{job="pods",namespace="app",pod="app-1",node="a"}`
		kubelet = `up{job="containers",node="a"}`
		free    = `vm_free_disk_space_bytes{path="/data"}`
		total   = `vm_total_disk_space_bytes{path="/data"}`
		full    = "The volume of the metrics is nearly full, or will be within four days. No metrics are stored then."
	)
	path := map[string]string{"path": "/data"}
	// present has a target in each namespace, but not in one of them after ten minutes.
	present := func(except string) [][2]string {
		out := [][2]string{{kubelet, "1x60"}}
		for _, namespace := range workload.ScrapedNamespaces() {
			values := "1x60"
			if namespace == except {
				values = "1x9 _x35 1x15"
			}
			out = append(out, [2]string{fmt.Sprintf(`up{job="pods",namespace=%q}`, namespace), values})
		}
		return out
	}
	return []scenario{
		{
			rule: "TargetDown", name: "a Pod", series: [][2]string{{target, "1x4 0x29 1x20"}}, quiet: []string{"4m", "15m", "36m"}, fires: "25m",
			labels:  map[string]string{"job": "pods", "namespace": "app", "pod": "app-1", "node": "a"},
			summary: "The metrics of app-1 cannot be read for 15 minutes.",
		},
		{
			rule: "TargetDown", name: "a kubelet", series: [][2]string{{kubelet, "1x4 0x29 1x20"}}, quiet: []string{"4m", "36m"}, fires: "25m",
			labels: map[string]string{"job": "containers", "node": "a"}, summary: "The metrics of a cannot be read for 15 minutes.",
		},
		{
			rule: "TargetsMissing", name: "no Pod of the ingress", series: present("ingress"), quiet: []string{"9m", "20m", "47m"}, fires: "40m",
			labels:  map[string]string{"job": "pods", "namespace": "ingress"},
			summary: "No metrics come from ingress. Its other alerts cannot fire.",
		},
		{
			rule: "MetricsVolumeFull", name: "little is left", series: [][2]string{{free, "500x9 50x79 500x20"}, {total, "1000x120"}},
			quiet: []string{"9m", "60m", "91m"}, fires: "80m", labels: path, summary: full,
		},
		{
			rule: "MetricsVolumeFull", name: "144 of 1000 a day", series: [][2]string{{free, "450-0.1x100 900x40"}, {total, "1000x150"}},
			quiet: []string{"50m", "103m"}, fires: "80m", labels: path, summary: full,
		},
		{rule: alerts.Heartbeat, name: "always", series: [][2]string{{kubelet, "1x10"}}, fires: "5m", summary: "Alerts work. This alert fires always."},
	}
}

// ofTenants has a sample an hour, as the Job writes them.
func ofTenants() []scenario {
	const used, limit = `tenant_schema_bytes{tenant="%s"}`, `tenant_schema_limit_bytes{tenant="%s"}`
	return []scenario{
		{
			rule: "TenantOverTier", name: "a quarter too much for 26 hours, while a run fails",
			every: "1h",
			series: [][2]string{
				{fmt.Sprintf(used, "acme"), "90 90 125x11 _ 125x13 80x5"}, {fmt.Sprintf(limit, "acme"), "100x35"},
				{fmt.Sprintf(used, "beta"), "100x35"}, {fmt.Sprintf(limit, "beta"), "100x35"},
			},
			quiet: []string{"1h", "25h", "29h"}, fires: "27h", labels: map[string]string{"tenant": "acme"},
			summary: "acme has 125% of the storage of its tier, for a day. It can read and delete, but not add rows.",
		},
	}
}

// ofTraffic sends 2 MiB/s, of which a month has 5231 GiB, or half of it.
func ofTraffic() []scenario {
	const sent = `traefik_entrypoint_responses_bytes_total{entrypoint="%s",code="%s"}`
	return []scenario{
		{
			rule: "TrafficAboveIncluded", name: "more than the nodes include, for two days", every: "1h",
			series: [][2]string{{fmt.Sprintf(sent, "websecure", "200"), "0+3774873600x48 181193932800x96"}, {fmt.Sprintf(sent, "websecure", "304"), "0+3774873600x48 181193932800x96"}},
			quiet:  []string{"24h", "140h"}, fires: "30h",
			summary: "At the rate of the last days, 5231 GiB are sent in a month. That is more than the price of the nodes includes; each GiB above costs $0.01.",
		},
		{
			rule: "TrafficAboveIncluded", name: "half as much", every: "1h",
			series: [][2]string{{fmt.Sprintf(sent, "websecure", "200"), "0+3774873600x48"}, {fmt.Sprintf(sent, "web", "301"), "0+3774873600x48"}},
			quiet:  []string{"30h"},
		},
	}
}

func ofCosts() []scenario {
	const balancer = `kube_service_spec_type{namespace="ingress",service="%s",type="LoadBalancer"}`
	return []scenario{{
		rule: "CostsAboveBill", name: "a second load balancer",
		series: [][2]string{
			{`kube_node_info{node="a"}`, "1x200"}, {`kube_node_info{node="b"}`, "1x200"},
			{`kube_persistentvolumeclaim_resource_requests_storage_bytes{namespace="monitoring",persistentvolumeclaim="victoria-metrics"}`, "5368709120x200"},
			{`kube_service_spec_type{namespace="app",service="app",type="ClusterIP"}`, "1x200"},
			{fmt.Sprintf(balancer, "traefik"), "1x200"}, {fmt.Sprintf(balancer, "other"), "_x5 1x149 _x40"},
		},
		quiet: []string{"4m", "110m", "180m"}, fires: "130m",
		summary: "Nodes, volumes and load balancers cost $72.50 a month. The bill has $60.50 for them.",
	}}
}
