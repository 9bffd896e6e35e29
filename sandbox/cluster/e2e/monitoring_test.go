package e2e_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/dashboards"
	"github.com/genericcorp/platform/internal/workload"
)

// checkMonitoring runs the dashboards' queries in VictoriaMetrics.
func (d runningDemo) checkMonitoring(t *testing.T) {
	d.run(t, "usage") // the gauges of each tenant, which the CronJob writes every hour
	queries := 0
	deadline := time.Now().Add(3 * time.Minute)
	for _, q := range d.queries(t) {
		if q.mayBeEmpty() {
			continue
		}
		queries++
		for len(d.ask(t, q.expr)) == 0 && time.Now().Before(deadline) {
			time.Sleep(time.Second)
		}
		assert.NotEmpty(t, d.ask(t, q.expr), "%s: no result for %s", q.panel, q.expr)
		for _, value := range d.ask(t, q.expr) {
			assert.True(t, q.plausible(value), "%s: %v %s cannot be: %s", q.panel, value, q.unit, q.expr)
		}
	}
	assert.Greater(t, queries, 50)
	assert.Len(t, d.ask(t, `up{job="pods"} == 1`), d.annotated(t), "every Pod with the annotation must be a target once")
	assert.Len(t, d.ask(t, `up{job="containers"} == 1`), 1, "the kubelet of each node")
	assert.Eventually(t, func() bool { return len(d.ask(t, `ALERTS{alertname="Heartbeat",alertstate="firing"}`)) == 1 }, 3*time.Minute, time.Second, "vmalert must evaluate the rules and store its state")
	assert.NotEmpty(t, d.ask(t, `kube_pod_container_resource_limits{namespace="app",resource="memory"}`), "kube-state-metrics' series must keep the namespaces that they are about")
	assert.NotEmpty(t, d.ask(t, `alertmanager_build_info`))
	assert.NotEmpty(t, d.ask(t, `traefik_router_requests_total{tenant="acme"}`), "the metrics of a tenant's router must have its name")
	for _, host := range []string{d.Domain(), "acme." + d.Domain()} {
		assert.NotEmpty(t, d.ask(t, `traefik_router_requests_total{router=~".*-`+strings.ReplaceAll(host, ".", "-")+`.*"}`), "requests must be counted for each host")
	}
}

// checkRights checks that no program was refused by the API server, and that VictoriaMetrics may
// read the kubelets' metrics and nothing more of nodes.
func (d runningDemo) checkRights(t *testing.T) {
	reviews := d.kubernetes(t).AuthorizationV1().SubjectAccessReviews()
	user := "system:serviceaccount:" + workload.MonitoringNamespace + ":victoria-metrics"
	for resource, allowed := range map[string]bool{"nodes/metrics": true, "nodes/proxy": false, "secrets": false} {
		name, sub, _ := strings.Cut(resource, "/")
		review, err := reviews.Create(t.Context(), &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user, ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: name, Subresource: sub},
		}}, metav1.CreateOptions{})
		require.NoError(t, err)
		assert.Equal(t, allowed, review.Status.Allowed, resource)
	}
	logs := 0
	require.NoError(t, filepath.WalkDir(filepath.Join(d.ClusterFolder(), "nodes"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !strings.HasSuffix(path, ".log") || !strings.Contains(path, "/logs/") {
			return nil // the kubelet removes logs meanwhile
		}
		logs++
		text, err := os.ReadFile(path)
		assert.NotRegexp(t, `(?i)forbidden|unauthorized`, string(text), path)
		return err
	}))
	assert.Greater(t, logs, 5)
}

// annotated returns the number of running Pods with the annotation prometheus.io/scrape.
func (d runningDemo) annotated(t *testing.T) int {
	t.Helper()
	count := 0
	for _, pod := range d.pods(t) {
		if pod.Annotations["prometheus.io/scrape"] == "true" && pod.Status.Phase == corev1.PodRunning {
			count++
		}
	}
	assert.Positive(t, count)
	return count
}

// pods returns the Pods of all namespaces.
func (d runningDemo) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := d.kubernetes(t).CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return list.Items
}

// dashboardQuery is a query of a panel, with the demo's tenant acme.
type dashboardQuery struct{ panel, unit, expr string }

// mayBeEmpty reports whether a query has no result on this machine at times: cert-manager's Pods do
// not run, a quantile of no requests does not exist, and the recording rules of tenants have a
// value every five minutes, if there were requests. internal/dashboards and internal/usage test
// these with a real VictoriaMetrics too.
func (q dashboardQuery) mayBeEmpty() bool {
	for _, part := range []string{"certmanager_", "histogram_quantile(", "tenant:"} {
		if strings.Contains(q.expr, part) {
			return true
		}
	}
	return false
}

// plausible reports whether a value can be right on this machine, where nothing is over its
// budget and nothing is slow.
func (q dashboardQuery) plausible(value float64) bool {
	switch {
	case strings.HasPrefix(q.panel, "Money: What runs, above the bill"):
		return value > -100 && value < 0.01
	case q.unit == "percentunit":
		return value >= 0 && value <= 1.01
	case q.unit == "s":
		return value >= 0 && value < 3600
	case q.unit == "currencyUSD":
		return value >= 0 && value <= 80
	default:
		return value >= 0 && value < 1e12
	}
}

// queries returns the dashboards' queries.
func (d runningDemo) queries(t *testing.T) []dashboardQuery {
	t.Helper()
	list, err := d.kubernetes(t).CoreV1().ConfigMaps(workload.MonitoringNamespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	var out []dashboardQuery
	for _, object := range list.Items {
		for name, text := range object.Data {
			if !strings.HasSuffix(name, ".json") {
				continue
			}
			var dashboard struct {
				Title  string
				Panels []struct {
					Title       string
					Targets     []struct{ Expr string }
					FieldConfig struct{ Defaults struct{ Unit string } }
				}
			}
			require.NoError(t, json.Unmarshal([]byte(text), &dashboard), name)
			for _, panel := range dashboard.Panels {
				for _, target := range panel.Targets {
					out = append(out, dashboardQuery{dashboard.Title + ": " + panel.Title, panel.FieldConfig.Defaults.Unit, dashboards.Filled(target.Expr, "acme")})
				}
			}
		}
	}
	return out
}

// ask returns the values of a query to VictoriaMetrics.
func (d runningDemo) ask(t *testing.T, query string) []float64 {
	t.Helper()
	values, err := d.Query(t.Context(), query)
	require.NoError(t, err)
	return values
}
