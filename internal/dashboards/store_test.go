package dashboards

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
)

// samples are series with the value at the start of an hour and what is added every 30 seconds.
// Their labels are those of a stack that runs.
var samples = []struct {
	series      string
	start, step float64
}{
	{`traefik_entrypoint_requests_total{entrypoint="websecure",code="200",pod="a"}`, 0, 30}, {`traefik_entrypoint_requests_total{entrypoint="websecure",code="502",pod="a"}`, 0, 0.1},
	{`traefik_entrypoint_request_duration_seconds_bucket{entrypoint="websecure",protocol="http",le="0.1"}`, 0, 20},
	{`traefik_entrypoint_request_duration_seconds_bucket{entrypoint="websecure",protocol="http",le="0.25"}`, 0, 30},
	{`traefik_entrypoint_request_duration_seconds_bucket{entrypoint="websecure",protocol="http",le="+Inf"}`, 0, 30},
	{`traefik_entrypoint_responses_bytes_total{entrypoint="websecure"}`, 0, 1e5},
	{`traefik_router_requests_total{tenant="acme",code="200"}`, 0, 20}, {`traefik_router_requests_total{tenant="beta",code="200"}`, 0, 10},
	{`traefik_router_responses_bytes_total{tenant="acme"}`, 0, 7e4},
	{`traefik_router_request_duration_seconds_bucket{tenant="acme",protocol="http",le="0.1"}`, 0, 20}, {`traefik_router_request_duration_seconds_bucket{tenant="acme",protocol="http",le="+Inf"}`, 0, 20},
	{`tenant:errors:rate5m{tenant="acme"}`, 0.01, 0}, {`tenant:sent_bytes:rate5m{tenant="acme"}`, 2000, 0}, {`tenant:last_request:timestamp_seconds{tenant="acme"}`, float64(time.Now().Unix() - 3600), 30},
	{`tenant_schema_bytes{tenant="acme"}`, 3e7, 0}, {`tenant_schema_bytes{tenant="beta"}`, 1e7, 0}, {`tenant_schema_limit_bytes{tenant="acme"}`, 64 << 20, 0},
	{`tenant_connections{tenant="acme"}`, 2, 0}, {`tenant_rows_written_total{tenant="acme"}`, 0, 5},
	{`app_logins_total{tenant="acme",pod="a"}`, 0, 1}, {`app_events_total{tenant="acme",event="run",pod="a"}`, 0, 2},
	{`ALERTS{alertname="NodeMemoryLow",alertstate="firing",severity="warning"}`, 1, 0}, {`up{job="pods",pod="a"}`, 1, 0},
	{`kube_deployment_spec_replicas{namespace="app",deployment="app"}`, 2, 0}, {`kube_deployment_status_replicas_available{namespace="app",deployment="app"}`, 2, 0},
	{`kube_deployment_metadata_generation{namespace="app",deployment="app"}`, 1, 1},
	{`kube_node_info{node="a"}`, 1, 0}, {`kube_node_status_condition{node="a",condition="Ready",status="true"}`, 1, 0}, {`kube_node_status_allocatable{node="a",resource="memory"}`, 3e9, 0},
	{`kube_pod_container_resource_requests{namespace="app",pod="app-1",container="app",resource="memory"}`, 1e8, 0},
	{`kube_pod_container_resource_limits{namespace="app",pod="app-1",container="app",resource="memory"}`, 2e8, 0},
	{`container_memory_working_set_bytes{namespace="app",pod="app-1",container="app"}`, 5e7, 0},
	{`kube_pod_status_phase{namespace="app",pod="app-1",phase="Running"}`, 1, 0}, {`kube_pod_status_phase{namespace="tenants",pod="job",phase="Running"}`, 0, 0},
	{`kube_pod_container_status_restarts_total{namespace="app",pod="app-1",container="app"}`, 0, 0},
	{`certmanager_certificate_expiration_timestamp_seconds{namespace="ingress",name="wildcard-tls"}`, float64(time.Now().Unix() + 40*86400), 0},
	{`node_cpu_seconds_total{node="a",mode="idle",cpu="0"}`, 0, 25}, {`node_memory_MemAvailable_bytes{node="a"}`, 2e9, 0}, {`node_memory_MemTotal_bytes{node="a"}`, 4e9, 0},
	{`node_filesystem_avail_bytes{node="a",mountpoint="/"}`, 5e10, 0}, {`node_filesystem_size_bytes{node="a",mountpoint="/"}`, 8e10, 0},
	{`vm_free_disk_space_bytes{path="/data"}`, 4e9, 0}, {`vm_total_disk_space_bytes{path="/data"}`, 5e9, 0},
	{`pgbouncer_databases_current_connections{name="app",pod="p"}`, 3, 0}, {`pgbouncer_databases_max_connections{name="app",pod="p"}`, 5, 0},
	{`pgbouncer_pools_server_active_connections{user="tenant_acme"}`, 1, 0}, {`pgbouncer_pools_server_login_connections{user="tenant_acme"}`, 0, 0},
	{`pgbouncer_pools_client_waiting_connections{user="tenant_acme"}`, 0, 0}, {`pgbouncer_pools_client_maxwait_seconds{user="tenant_acme"}`, 0, 0},
	{`bill:monthly:dollars{line="nodes"}`, 48, 0}, {`bill:monthly:dollars{line="database"}`, 15.15, 0}, {`running:monthly:dollars{line="nodes"}`, 48, 0},
	{`bill_limit:monthly:dollars`, 80, 0}, {`next_step:monthly:dollars`, 15.3, 0}, {`room:tenants:count`, 7, 0}, {`included_traffic:monthly:gib`, 4000, 0},
}

// startStore starts a real VictoriaMetrics with the samples, and returns its address.
func startStore(t *testing.T) string {
	t.Helper()
	tools, err := build.Alerting("../..", os.Stderr)
	require.NoError(t, err)
	program, err := filepath.Abs(tools.VictoriaMetrics)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	command := exec.Command(program, "-storageDataPath="+t.TempDir(), "-httpListenAddr="+address, "-loggerLevel=ERROR")
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait() // its status says that it was interrupted
	})
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + address + "/health")
		return err == nil && answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}, 30*time.Second, 100*time.Millisecond)
	var text strings.Builder
	for _, s := range samples {
		for i := range 121 {
			fmt.Fprintf(&text, "%s %v %d\n", s.series, s.start+float64(i)*s.step, time.Now().Add(time.Duration(i-120)*30*time.Second).UnixMilli())
		}
	}
	answer, err := http.Post("http://"+address+"/api/v1/import/prometheus", "text/plain", strings.NewReader(text.String()))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	answer, err = http.Get("http://" + address + "/internal/force_flush")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	return address
}

// ask returns the values of a query.
func ask(t *testing.T, address, query string) []float64 {
	t.Helper()
	answer, err := http.Get("http://" + address + "/api/v1/query?latency_offset=1ms&nocache=1&query=" + url.QueryEscape(query))
	require.NoError(t, err)
	defer answer.Body.Close()
	var body struct {
		Error string
		Data  struct{ Result []struct{ Value [2]any } }
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&body))
	require.Empty(t, body.Error, query)
	var out []float64
	for _, series := range body.Data.Result {
		value, err := strconv.ParseFloat(series.Value[1].(string), 64)
		require.NoError(t, err)
		out = append(out, value)
	}
	return out
}

func TestARealStoreAnswersEachQueryWithAValueThatCanBe(t *testing.T) {
	address := startStore(t)
	most := map[string]float64{share: 1, dollars: 80, seconds: 41 * 86400, perSecond: 10, bytesRate: 1e5, count: 1e4, bytes: 1e11}
	for _, d := range all(stacks()[0]) {
		for _, p := range d.panels {
			for _, q := range p.queries {
				values := ask(t, address, Filled(q.expr, "acme"))
				assert.NotEmpty(t, values, "%s, %s: %s", d.title, p.title, q.expr)
				for _, value := range values {
					assert.True(t, value >= 0 && value <= most[p.unit], "%s, %s: %v %s: %s", d.title, p.title, value, p.unit, q.expr)
				}
			}
		}
	}
	for _, a := range annotations() {
		assert.NotEmpty(t, ask(t, address, Filled(a["expr"].(string), "acme")), a["name"])
	}
	for query, want := range map[string]float64{
		bill: 63.15, `sum(` + money(stacks()[0]).panels[10].queries[0].expr + `)`: 63.15, // each dollar is some tenant's
		tenant(stacks()[0]).panels[4].queries[0].expr: 3e7 / (64 << 20),
	} {
		values := ask(t, address, Filled(query, "acme"))
		require.Len(t, values, 1, query)
		assert.InDelta(t, want, values[0], 0.01, query)
	}
}
