package alerts

import (
	"fmt"
	"time"
)

// day is in seconds, the unit of expressions.
const day = 24 * 60 * 60

// certificates returns the rules about cert-manager. It renews a certificate of 90 days when 30
// are left, so 14 days mean that renewals have failed for two weeks.
func certificates() []Rule {
	return []Rule{
		{
			Name: "CertificateExpires", Severity: Page, For: 15 * time.Minute,
			Expr:    fmt.Sprintf(`min by (namespace, name) (certmanager_certificate_expiration_timestamp_seconds) - time() < %d`, 14*day),
			Summary: "The certificate {{ $labels.name }} expires in {{ $value | humanizeDuration }} and was not renewed.",
		},
		{
			Name: "CertificateNotReady", Severity: Warning, For: time.Hour,
			Expr:    `max by (namespace, name) (certmanager_certificate_ready_status{condition="True"}) == 0`,
			Summary: "The certificate {{ $labels.name }} is not ready for an hour.",
			MutedBy: []Cause{{"CertificateExpires", []string{"namespace", "name"}}},
		},
	}
}

// nodes returns the rules about the cluster's machines.
func (s Stack) nodes() []Rule {
	out := []Rule{
		{
			Name: "NodeMemoryLow", Severity: Warning, For: 15 * time.Minute,
			Expr:    `max by (node) (node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes) < 0.1`,
			Summary: "The node {{ $labels.node }} has {{ $value | humanizePercentage }} of its memory left.",
		},
		{
			Name: "NodeDiskFull", Severity: Warning, For: 30 * time.Minute,
			// The kubelet begins to evict Pods when 15 % are left.
			Expr:    fills("node", `node_filesystem_avail_bytes{mountpoint="/"}`, `node_filesystem_size_bytes{mountpoint="/"}`, "0.2"),
			Summary: "The disk of the node {{ $labels.node }} is nearly full, or will be within four days.",
		},
	}
	if s.Nodes == 0 {
		return out
	}
	return append(out,
		Rule{
			Name: "NodesMissing", Severity: Page, For: 10 * time.Minute,
			Expr:    fmt.Sprintf(`sum(max by (node) (kube_node_status_condition{condition="Ready",status="true"})) < %d`, s.Nodes),
			Summary: fmt.Sprintf("{{ $value }} of %d nodes are ready.", s.Nodes),
		},
		Rule{
			// Above the time of an upgrade or of `ops resize`, which add nodes for a while.
			Name: "NodesUnplanned", Severity: Warning, For: 2 * time.Hour,
			Expr:    fmt.Sprintf(`count(count by (node) (kube_node_info)) > %d`, s.Nodes),
			Summary: fmt.Sprintf("{{ $value }} nodes run, and the bill has %d.", s.Nodes),
		})
}

// fills returns when a file system has less than a share left, or will be full in four days at
// the speed of the last day.
func fills(by, free, size, share string) string {
	left := fmt.Sprintf(`min by (%s) (%s / %s)`, by, free, size)
	return fmt.Sprintf(`%s < %s or (min by (%s) (predict_linear(%s[1d], %d)) < 0 and %s < 0.5)`, left, share, by, free, 4*day, left)
}

// containers returns the rules about every container of the cluster.
func containers() []Rule {
	const (
		by       = `max by (namespace, pod, container) `
		on       = ` on (namespace, pod, container) `
		what     = "{{ $labels.namespace }}/{{ $labels.pod }} ({{ $labels.container }})"
		restarts = `kube_pod_container_status_restarts_total`
	)
	return []Rule{
		{
			Name: "ContainerMemoryHigh", Severity: Warning, For: 15 * time.Minute,
			Expr: by + `(container_memory_working_set_bytes{container!=""}) /` + on +
				by + `(kube_pod_container_resource_limits{resource="memory"}) > 0.9`,
			Summary: what + " uses {{ $value | humanizePercentage }} of its memory limit. Above the limit it is killed.",
		},
		{
			Name: "ContainerOOMKilled", Severity: Warning,
			// increase() would count all earlier restarts when kube-state-metrics itself
			// restarts, because its series are new then.
			Expr: by + `(increase_prometheus(` + restarts + `[15m])) > 0 and` + on +
				by + `(kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}) == 1`,
			Summary: what + " was killed because it used more memory than its limit.",
		},
		{
			Name: "ContainerRestarts", Severity: Warning,
			Expr:    by + `(increase_prometheus(` + restarts + `[1h])) > 2`,
			Summary: what + " restarted {{ $value }} times in an hour.",
			MutedBy: []Cause{{"ContainerOOMKilled", []string{"namespace", "pod", "container"}}},
		},
	}
}
