package monitoring

import (
	"encoding/json"
	"fmt"

	"github.com/genericcorp/platform/internal/workload"
)

// panel is one graph of a dashboard.
type panel struct {
	title, kind, unit string
	// queries are pairs of an expression and the legend of its series.
	queries [][2]string
	// width is the number of columns, of Grafana's 24.
	width int
}

const (
	graph = "timeseries"
	stat  = "stat"
	table = "bargauge"
)

// platformPanels returns the panels in the order of an operator's questions: is the
// platform up, who uses it, does the load still fit.
func platformPanels(plannedNodes int) []panel {
	return []panel{
		{"Requests a second", stat, "reqps", [][2]string{
			{`sum(rate(traefik_entrypoint_requests_total{entrypoint="websecure"}[5m]))`, "requests"}}, 6},
		{"Server errors", stat, "percentunit", [][2]string{
			{`(sum(rate(traefik_entrypoint_requests_total{entrypoint="websecure",code=~"5.."}[5m])) or vector(0)) / sum(rate(traefik_entrypoint_requests_total{entrypoint="websecure"}[5m]))`, "5xx"}}, 6},
		{"Certificate valid for", stat, "s", [][2]string{
			{`min(certmanager_certificate_expiration_timestamp_seconds) - time()`, "left"}}, 6},
		{"Nodes", stat, "short", [][2]string{
			{`count(kube_node_info)`, "running"}, {fmt.Sprintf(`vector(%d)`, plannedNodes), "in the budget"}}, 6},
		{"Requests a second by host", graph, "reqps", [][2]string{
			{`sum by (router) (rate(traefik_router_requests_total[5m]))`, "{{router}}"}}, 12},
		{"Latency, 95th percentile by host", graph, "s", [][2]string{
			{`histogram_quantile(0.95, sum by (router, le) (rate(traefik_router_request_duration_seconds_bucket[5m])))`, "{{router}}"}}, 12},
		{"Usage in 30 days: requests by host", table, "short", [][2]string{
			{`sum by (router) (increase(traefik_router_requests_total[30d]))`, "{{router}}"}}, 12},
		{"Usage in 30 days: bytes sent by host", table, "bytes", [][2]string{
			{`sum by (router) (increase(traefik_router_responses_bytes_total[30d]))`, "{{router}}"}}, 12},
		{"Database connections of the poolers", graph, "short", [][2]string{
			{fmt.Sprintf(`sum(%s{name!="pgbouncer"})`, workload.PoolerOpen), "open"},
			{fmt.Sprintf(`sum(%s)`, workload.PoolerBusy), "in a transaction"},
			{fmt.Sprintf(`sum(%s{name!="pgbouncer"})`, workload.PoolerLimit), "limit"},
			{fmt.Sprintf(`sum(%s)`, workload.PoolerLogins), "logging in"}}, 12},
		{"Clients that wait for a database connection", graph, "short", [][2]string{
			{fmt.Sprintf(`sum by (user) (%s) > 0 or on () vector(0)`, workload.PoolerWaiting), "{{user}}"},
			{fmt.Sprintf(`max(%s)`, workload.PoolerWaitSeconds), "longest wait (s)"}}, 12},
		{"Memory of Pods against their limit", graph, "percentunit", [][2]string{
			{`max by (namespace, pod, container) (container_memory_working_set_bytes{container!=""}) / on (namespace, pod, container) max by (namespace, pod, container) (kube_pod_container_resource_limits{resource="memory"})`, "{{namespace}}/{{container}}"}}, 12},
		{"CPU of Pods", graph, "short", [][2]string{
			{`sum by (namespace, container) (rate(container_cpu_usage_seconds_total{container!=""}[5m]))`, "{{namespace}}/{{container}}"}}, 12},
		{"Memory of nodes in use", graph, "percentunit", [][2]string{
			{`1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes`, "{{node}}"}}, 8},
		{"CPU of nodes in use", graph, "percentunit", [][2]string{
			{`1 - avg by (node) (rate(node_cpu_seconds_total{mode="idle"}[5m]))`, "{{node}}"}}, 8},
		{"Pods that are not ready", graph, "short", [][2]string{
			{`sum by (namespace) (kube_pod_status_phase{phase=~"Pending|Failed|Unknown"})`, "{{namespace}}"}}, 8},
	}
}

// object is an object of Grafana's JSON.
type object = map[string]any

// platformDashboard returns the JSON of the dashboard that Grafana shows first.
func platformDashboard(plannedNodes int) string {
	out, err := json.MarshalIndent(object{
		"uid": "platform", "title": "Platform", "schemaVersion": 41, "editable": false,
		"time": object{"from": "now-6h", "to": "now"}, "refresh": "1m",
		"panels": layout(platformPanels(plannedNodes)),
	}, "", " ")
	if err != nil {
		// The encoder cannot fail on maps of strings and numbers.
		panic(err)
	}
	return string(out)
}

// layout returns the panels as Grafana's JSON, placed from left to right in rows of 24
// columns.
func layout(panels []panel) []object {
	var out []object
	x, y, rowHeight := 0, 0, 0
	for i, p := range panels {
		if x+p.width > 24 {
			x, y = 0, y+rowHeight
		}
		rowHeight = 8
		if p.kind == stat {
			rowHeight = 4
		}
		var targets []object
		for j, query := range p.queries {
			targets = append(targets, object{
				"refId": string(rune('A' + j)), "expr": query[0], "legendFormat": query[1], "instant": p.kind != graph,
				"datasource": object{"type": "prometheus", "uid": datasourceUID},
			})
		}
		out = append(out, object{
			"id": i + 1, "title": p.title, "type": p.kind, "targets": targets,
			"datasource":  object{"type": "prometheus", "uid": datasourceUID},
			"gridPos":     object{"x": x, "y": y, "w": p.width, "h": rowHeight},
			"fieldConfig": object{"defaults": object{"unit": p.unit, "min": 0}, "overrides": []object{}},
		})
		x += p.width
	}
	return out
}
