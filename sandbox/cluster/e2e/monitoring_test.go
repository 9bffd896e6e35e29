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

// untold are figures that nobody tells here: the kubelet's and cert-manager's, and
// the pooler's, which internal/tenancy compares with those of the real exporter.
var untold = regexp.MustCompile(`\b(container|certmanager|pgbouncer)_`)

// monitoring runs the real exporters and the real store, which finds them by its
// own configuration, and asks it all that the dashboard asks.
func (i images) monitoring(t *testing.T, c caller) {
	c.goOn(t, i.settings(t).Domain)
	state := i.prepare(t, workload.MonitoringNamespace, "kube-state-metrics")
	i.start(t, state, nil, "--kubeconfig="+state.kubeconfig, "--telemetry-host=127.0.0.1", "--telemetry-port="+port(freeAddress(t)))
	i.start(t, i.prepare(t, workload.NodeMetricsNamespace, "node-exporter"), nil)
	store := i.prepare(t, workload.MonitoringNamespace, "victoria-metrics")
	i.hurry(t, store)
	i.start(t, store, nil)

	api := "http://" + store.ports[8428]
	for panel, query := range i.queries(t) {
		if untold.MatchString(query) {
			continue
		}
		assert.Eventually(t, func() bool { return len(ask(t, api, query)) > 0 }, 30*time.Second, 500*time.Millisecond, "%s: no figures for %s", panel, query)
	}
	assert.Len(t, ask(t, api, `up{job="pods"}`), i.annotated(t), "every Pod that asks for it is a target, once")
	i.kubelets(t, store, api)
}

// annotated counts the running Pods that ask to be scraped.
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

func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// hurry changes the configuration of the store as little as has to be: the way to
// the API server and to the Pods that there is here, and no half minutes.
func (i images) hurry(t *testing.T, store program) {
	t.Helper()
	path := store.mounts.here("/config/scrape.yaml")
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

// queries are the dashboard's, by panel.
func (i images) queries(t *testing.T) map[string]string {
	t.Helper()
	grafana := i.mount(t, i.pod(t, workload.MonitoringNamespace, "grafana"))
	text, err := os.ReadFile(grafana.here("/etc/platform/dashboards/platform.json"))
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

// ask sends a query to the store.
func ask(t *testing.T, api, query string) []any {
	t.Helper()
	// Without an offset of its own the store keeps the last half minute to itself.
	status, body := get(t, api+"/api/v1/query?latency_offset=1ms&query="+url.QueryEscape(query))
	require.Equal(t, 200, status, "%s: %s", query, body)
	var answer struct {
		Data struct {
			Result []any `json:"result"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	return answer.Data.Result
}

// kubelets: the store finds the kubelet of every node and may read its figures.
// There is no kubelet here.
func (i images) kubelets(t *testing.T, store program, api string) {
	t.Helper()
	assert.Len(t, ask(t, api, `up{job="containers"}`), i.plan(t).Nodes.Count)
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
