package monitoring

import (
	"strings"

	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/workload"
)

// scrapeConfig returns the scrape configuration in Prometheus's format. It keeps few labels:
// each combination of labels is a series, and each series needs memory.
func (a Args) scrapeConfig() string {
	return `global:
  scrape_interval: 30s
scrape_configs:
  - job_name: pods
    # kube-state-metrics has series about other Pods: their names must not be replaced by its own.
    honor_labels: true
    kubernetes_sd_configs:
      - role: pod
        namespaces:
          names: [` + strings.Join(workload.ScrapedNamespaces(), ", ") + `]
    relabel_configs:
      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape]
        action: keep
        regex: "true"
      - source_labels: [__meta_kubernetes_pod_phase]
        action: keep
        regex: Running
      - source_labels: [__meta_kubernetes_pod_container_init]
        action: keep
        regex: "false"
      # A Pod is a target once for each of its ports.
      - source_labels: [__meta_kubernetes_pod_container_port_number]
        action: keepequal
        target_label: __meta_kubernetes_pod_annotation_prometheus_io_port
      - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path]
        regex: (.+)
        target_label: __metrics_path__
      - source_labels: [__meta_kubernetes_namespace]
        target_label: namespace
      - source_labels: [__meta_kubernetes_pod_name]
        target_label: pod
      - source_labels: [__meta_kubernetes_pod_node_name]
        target_label: node
    metric_relabel_configs:
      # Usage is counted by tenant.
      - source_labels: [router]
        regex: ` + routes.TenantRouters(a.Domain) + `
        target_label: tenant
      # The pooler has a pool for each tenant: only what the dashboard shows is kept.
      - source_labels: [__name__]
        regex: pgbouncer_.+
        target_label: __tmp_drop
        replacement: "true"
      - source_labels: [__name__]
        regex: ` + strings.Join(workload.PoolerMetrics(), "|") + `
        target_label: __tmp_drop
        replacement: "false"
      - source_labels: [__tmp_drop]
        action: drop
        regex: "true"
      - action: labeldrop
        regex: __tmp_drop
` + scrapeContainers
}

// scrapeContainers is the job that scrapes the usage of containers from each node's kubelet.
const scrapeContainers = `  - job_name: containers
    scheme: https
    # The kubelet's certificate is its own on most clusters; the token is what
    # counts, and it may read figures only.
    tls_config:
      insecure_skip_verify: true
    bearer_token_file: /var/run/secrets/kubernetes.io/serviceaccount/token
    metrics_path: /metrics/cadvisor
    kubernetes_sd_configs:
      - role: node
    relabel_configs:
      - source_labels: [__meta_kubernetes_node_name]
        target_label: node
    metric_relabel_configs:
      - source_labels: [__name__]
        action: keep
        regex: container_(cpu_usage_seconds_total|cpu_cfs_throttled_periods_total|memory_working_set_bytes|oom_events_total|network_(receive|transmit)_bytes_total)
      - source_labels: [container]
        action: drop
        regex: POD
`
