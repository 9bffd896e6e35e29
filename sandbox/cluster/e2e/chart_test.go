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

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/cluster/chart"
)

// checkChart compares the values of the release with the chart. The chart must have each
// value, and each container in it must have the requests that the plan counts.
func (s liveStack) checkChart(t *testing.T) {
	c := cloud.At(s.CloudFolder())
	const token = "kubernetes:helm.sh/v3:Release"
	ids, err := c.IDs(token)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	object, _, err := c.Get(token, ids[0])
	require.NoError(t, err)
	values := object.Inputs["values"].(map[string]any)
	assert.Equal(t, chart.Version, object.Inputs["version"], "the rendered chart must have the version of the release")
	loaded, err := chart.Load()
	require.NoError(t, err)
	assert.Empty(t, unknownValues("", values, loaded.Values))

	rendered, err := chart.Render(workload.CertManagerNamespace, values)
	require.NoError(t, err)
	requests := map[string]components.Resources{}
	var args []string
	for _, o := range rendered {
		if template := podTemplate(t, o); template != nil {
			require.Len(t, template.Spec.Containers, 1, o.GetName())
			container := template.Spec.Containers[0]
			args = append(args, container.Args...)
			requests[o.GetName()] = components.Resources{
				MilliCPU: int(container.Resources.Requests.Cpu().MilliValue()), MiB: int(container.Resources.Requests.Memory().Value() >> 20),
			}
		}
	}
	set := s.plan(t).Workload
	assert.Equal(t, map[string]components.Resources{
		"cert-manager": set.CertManager.Request, "cert-manager-cainjector": set.CAInjector.Request, "cert-manager-webhook": set.Webhook.Request,
		// A hook, which runs only during the install of the release.
		"cert-manager-startupapicheck": set.Webhook.Request,
	}, requests)
	assert.Contains(t, args, "--leader-election-namespace="+workload.CertManagerNamespace)
	assert.Contains(t, args, "--dns01-recursive-nameservers-only=true")
	assert.Contains(t, strings.Join(args, " "), "--dns01-recursive-nameservers=https://1.1.1.1/dns-query,https://8.8.8.8/dns-query")

	checkWebhooks(t, rendered)
	checkNothingBillable(t, rendered)

	live, err := s.client.AppsV1().Deployments(workload.CertManagerNamespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	assert.Len(t, live.Items, 3)
}

// checkWebhooks checks that webhooks have a timeout of at most 29 seconds and a memory limit.
// DigitalOcean does not upgrade a cluster with a longer timeout (clusterlint#167). A webhook
// without a memory limit could use up the memory of its node.
func checkWebhooks(t *testing.T, rendered []*unstructured.Unstructured) {
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
	assert.Equal(t, 2, found, "a validating and a mutating webhook")
	servers := 0
	for _, o := range rendered {
		if template := podTemplate(t, o); template != nil && strings.HasSuffix(o.GetName(), "-webhook") {
			assert.False(t, template.Spec.Containers[0].Resources.Limits.Memory().IsZero(), o.GetName())
			servers++
		}
	}
	assert.Equal(t, 1, servers, "Deployments of webhooks")
}

// checkNothingBillable checks that the chart makes only objects that cost nothing: the meter
// sees the release and not its objects.
func checkNothingBillable(t *testing.T, rendered []*unstructured.Unstructured) {
	t.Helper()
	free := []string{
		"ClusterRole", "ClusterRoleBinding", "ConfigMap", "CustomResourceDefinition", "Deployment", "Job", "MutatingWebhookConfiguration",
		"Role", "RoleBinding", "Service", "ServiceAccount", "ValidatingWebhookConfiguration",
	}
	for _, o := range rendered {
		name := o.GetKind() + " " + o.GetName()
		assert.Contains(t, free, o.GetKind(), name)
		if o.GetKind() == "Service" {
			kind, _, err := unstructured.NestedString(o.Object, "spec", "type")
			require.NoError(t, err)
			assert.Equal(t, "ClusterIP", kind, name)
		}
		if template := podTemplate(t, o); template != nil {
			assert.Empty(t, template.Spec.Volumes, name)
		}
	}
}

// unknownValues returns the paths of values that the chart does not have. A value that is an
// empty map in the chart may contain any keys.
func unknownValues(path string, values, known map[string]any) []string {
	var out []string
	for key, value := range values {
		at := strings.TrimPrefix(path+"."+key, ".")
		inChart, ok := known[key]
		if !ok {
			out = append(out, at)
			continue
		}
		child, isMap := value.(map[string]any)
		if below, ok := inChart.(map[string]any); isMap && ok && len(below) > 0 {
			out = append(out, unknownValues(at, child, below)...)
		}
	}
	return out
}

// podTemplate returns the Pod template of a Deployment or a Job, nil for other objects.
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
