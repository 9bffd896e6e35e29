package provider_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// An operator copies the Pod of "Delete old dumps" from docs/tenancy.md. The namespace must
// admit it, and it must mount the claim of the archive.
func TestTheTemporaryPodOfTheTenancyPageIsAdmitted(t *testing.T) {
	pod := podOfTheTenancyPage(t)
	job := func() (string, error) {
		return newAccountWithArchive(t).create("kubernetes:batch/v1:Job", object{
			"apiVersion": "batch/v1", "kind": "Job", "metadata": object{"name": "archive", "namespace": "tenants"},
			"spec": object{"template": object{"metadata": object{"labels": object{"app": "archive"}}, "spec": pod["spec"]}},
		})
	}
	_, err := job()
	require.NoError(t, err)
	delete(container(pod["spec"].(object)), "securityContext")
	_, err = job()
	require.ErrorContains(t, err, `violates PodSecurity "restricted"`, "the check applies to this Pod")
}

// newAccountWithArchive returns an account with the namespace and the claim that
// components/tenants declares.
func newAccountWithArchive(t *testing.T) account {
	t.Helper()
	a := newAccount(t)
	_, err := a.create(namespace, restricted("tenants"))
	require.NoError(t, err)
	_, err = a.create("kubernetes:core/v1:PersistentVolumeClaim", object{
		"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": object{"name": "reconcile", "namespace": "tenants"},
		"spec": object{"accessModes": []any{"ReadWriteOnce"}, "resources": object{"requests": object{"storage": "5Gi"}}},
	})
	require.NoError(t, err)
	return a
}

func podOfTheTenancyPage(t *testing.T) object {
	t.Helper()
	page, err := os.ReadFile("../../docs/tenancy.md")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(page), "kubectl apply -f - <<EOF\n")
	require.True(t, found, "docs/tenancy.md has no Pod for kubectl apply")
	text, _, found := strings.Cut(after, "\n   EOF\n")
	require.True(t, found)
	var pod object
	require.NoError(t, yaml.UnmarshalStrict([]byte(strings.ReplaceAll(text, "$IMAGE", "postgres:17")), &pod))
	require.Equal(t, "Pod", pod["kind"])
	require.Equal(t, "tenants", pod["metadata"].(object)["namespace"])
	return pod
}
