package e2e_test

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/genericcorp/platform/internal/workload"
)

// notSimulated matches metrics that have no source here: those of the kubelet, of cert-manager
// and of the pooler. internal/tenancy compares the pooler's with those of the real exporter.
var notSimulated = regexp.MustCompile(`\b(container|certmanager|pgbouncer)_`)

// checkMonitoring runs the real exporters and the real VictoriaMetrics with its own scrape
// configuration, and runs the dashboard's queries.
func (i images) checkMonitoring(t *testing.T, c client) {
	c.getRepeatedly(t, i.settings(t).Domain)
	state := i.prepare(t, workload.MonitoringNamespace, "kube-state-metrics")
	i.start(t, state, nil, "--kubeconfig="+state.kubeconfig, "--telemetry-host=127.0.0.1", "--telemetry-port="+port(freeAddress(t)))
	i.start(t, i.prepare(t, workload.NodeMetricsNamespace, "node-exporter"), nil)
	store := i.prepare(t, workload.MonitoringNamespace, "victoria-metrics")
	i.adaptScraping(t, store)
	i.start(t, store, nil)

	api := "http://" + store.ports[8428]
	queries := 0
	for panel, query := range i.queries(t) {
		if notSimulated.MatchString(query) {
			continue
		}
		queries++
		assert.Eventually(t, func() bool { return len(runQuery(t, api, query)) > 0 }, 30*time.Second, 500*time.Millisecond, "%s: no result for %s", panel, query)
	}
	assert.Positive(t, queries)
	assert.Len(t, runQuery(t, api, `up{job="pods"}`), i.annotated(t), "every Pod with the annotation must be a target once")
	i.checkKubelets(t, store, api)
}

// annotated returns the number of running Pods with the annotation prometheus.io/scrape.
func (i images) annotated(t *testing.T) int {
	t.Helper()
	count := 0
	for _, pod := range i.pods(t) {
		if pod.Annotations["prometheus.io/scrape"] == "true" && pod.Status.Phase == corev1.PodRunning {
			count++
		}
	}
	return count
}

// port returns the port of an address.
func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// adaptScraping changes three things in the store's configuration: it uses the proxy, the
// kubeconfig of this machine, and an interval of one second.
func (i images) adaptScraping(t *testing.T, store program) {
	t.Helper()
	path := store.mounts.localPath("/config/scrape.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, yaml.UnmarshalStrict(text, &config))
	config["global"].(map[string]any)["scrape_interval"] = "1s"
	for _, job := range config["scrape_configs"].([]any) {
		job := job.(map[string]any)
		job["proxy_url"] = i.URL
		for _, discovery := range job["kubernetes_sd_configs"].([]any) {
			discovery.(map[string]any)["kubeconfig_file"] = store.kubeconfig
		}
	}
	text, err = yaml.Marshal(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
}

// queries returns the dashboard's queries, by "panel: query".
func (i images) queries(t *testing.T) map[string]string {
	t.Helper()
	grafana := i.mountVolumes(t, i.pod(t, workload.MonitoringNamespace, "grafana"))
	text, err := os.ReadFile(grafana.localPath("/etc/platform/dashboards/platform.json"))
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	out := map[string]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			out[panel.Title+": "+target.Expr] = target.Expr
		}
	}
	require.Greater(t, len(out), 10)
	return out
}

// runQuery returns the result of a query to the store.
func runQuery(t *testing.T, api, query string) []any {
	t.Helper()
	// By default the store does not return the last 30 seconds (latency_offset).
	status, body := get(t, api+"/api/v1/query?latency_offset=1ms&query="+url.QueryEscape(query))
	require.Equal(t, 200, status, "%s: %s", query, body)
	var response struct {
		Data struct {
			Result []any `json:"result"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &response))
	return response.Data.Result
}

// checkKubelets checks that the kubelet of every node is a target of the store, and that its
// service account may read the kubelet's metrics. No kubelet runs here.
func (i images) checkKubelets(t *testing.T, store program, api string) {
	t.Helper()
	assert.Len(t, runQuery(t, api, `up{job="containers"}`), i.plan(t).Nodes.Count)
	config, err := clientcmd.BuildConfigFromFlags("", store.kubeconfig)
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	for resource, allowed := range map[string]bool{"nodes/metrics": true, "nodes/proxy": false, "secrets": false} {
		name, sub, _ := strings.Cut(resource, "/")
		review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "get", Resource: name, Subresource: sub,
			}},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		assert.Equal(t, allowed, review.Status.Allowed, resource)
	}
}
