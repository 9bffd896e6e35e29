package e2e_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/cluster/chart"
)

// chart holds the values of the release against the chart itself: each is one
// that the chart has, and each container that it makes asks for what the plan
// counted.
func (s stage) chart(t *testing.T) {
	c := cloud.At(s.CloudFolder())
	const token = "kubernetes:helm.sh/v3:Release"
	ids, err := c.IDs(token)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	object, _, err := c.Get(token, ids[0])
	require.NoError(t, err)
	values := object.Inputs["values"].(map[string]any)
	assert.Equal(t, chart.Version, object.Inputs["version"], "the chart that is rendered here is the one that is installed")
	loaded, err := chart.Load()
	require.NoError(t, err)
	assert.Empty(t, unknownValues("", values, loaded.Values))

	rendered, err := chart.Render(workload.CertManagerNamespace, values)
	require.NoError(t, err)
	requests := map[string]workload.Resources{}
	var args []string
	for _, o := range rendered {
		if template := podTemplate(t, o); template != nil {
			require.Len(t, template.Spec.Containers, 1, o.GetName())
			container := template.Spec.Containers[0]
			args = append(args, container.Args...)
			requests[o.GetName()] = workload.Resources{
				MilliCPU: int(container.Resources.Requests.Cpu().MilliValue()), MiB: int(container.Resources.Requests.Memory().Value() >> 20),
			}
		}
	}
	set := s.plan(t).Workload
	assert.Equal(t, map[string]workload.Resources{
		"cert-manager": set.CertManager.Request, "cert-manager-cainjector": set.CAInjector.Request, "cert-manager-webhook": set.Webhook.Request,
		// A hook: it runs while the release is installed, and is gone.
		"cert-manager-startupapicheck": set.Webhook.Request,
	}, requests)
	assert.Contains(t, args, "--leader-election-namespace="+workload.CertManagerNamespace)
	assert.Contains(t, args, "--dns01-recursive-nameservers-only=true")
	assert.Contains(t, strings.Join(args, " "), "--dns01-recursive-nameservers=https://1.1.1.1/dns-query,https://8.8.8.8/dns-query")

	webhooksAdmitUpgrades(t, rendered)

	live, err := s.client.AppsV1().Deployments(workload.CertManagerNamespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	assert.Len(t, live.Items, 3)
}

// webhooksAdmitUpgrades: DigitalOcean does not upgrade a cluster with a webhook that
// may take more than 29 seconds (clusterlint#167), and one without a limit of memory
// could take its node down.
func webhooksAdmitUpgrades(t *testing.T, rendered []*unstructured.Unstructured) {
	t.Helper()
	found := 0
	for _, o := range rendered {
		if !strings.HasSuffix(o.GetKind(), "WebhookConfiguration") {
			continue
		}
		hooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
		require.NoError(t, err)
		for _, hook := range hooks {
			found++
			seconds, set := hook.(map[string]any)["timeoutSeconds"].(float64)
			require.True(t, set, o.GetName())
			assert.LessOrEqual(t, seconds, 29.0, o.GetName())
			assert.Positive(t, seconds, o.GetName())
		}
	}
	assert.Equal(t, 2, found, "one that validates, one that mutates")
	for _, o := range rendered {
		if template := podTemplate(t, o); template != nil && strings.HasSuffix(o.GetName(), "-webhook") {
			assert.False(t, template.Spec.Containers[0].Resources.Limits.Memory().IsZero(), o.GetName())
		}
	}
}

// unknownValues are paths of values that the chart does not have. An empty map in
// the chart is one that takes anything.
func unknownValues(path string, values, known map[string]any) []string {
	var out []string
	for key, value := range values {
		at := strings.TrimPrefix(path+"."+key, ".")
		there, ok := known[key]
		if !ok {
			out = append(out, at)
			continue
		}
		child, isMap := value.(map[string]any)
		if below, ok := there.(map[string]any); isMap && ok && len(below) > 0 {
			out = append(out, unknownValues(at, child, below)...)
		}
	}
	return out
}

func podTemplate(t *testing.T, o *unstructured.Unstructured) *corev1.PodTemplateSpec {
	t.Helper()
	convert := func(into any) {
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into))
	}
	switch o.GetKind() {
	case "Deployment":
		var d appsv1.Deployment
		convert(&d)
		return &d.Spec.Template
	case "Job":
		var j batchv1.Job
		convert(&j)
		return &j.Spec.Template
	}
	return nil
}
