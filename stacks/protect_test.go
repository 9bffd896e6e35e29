package stacks

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// kept are the resources of a protected stack that a destroy refuses to delete (true), or that stay
// when they are removed from the stack (false).
var kept = map[string]bool{
	"KubernetesCluster": true, "DatabaseCluster": true, "DatabaseFirewall": true, "DatabasePostgresqlConfig": true, "DatabaseDb": true, "DatabaseUser": true,
	"Vpc": false, "PersistentVolumeClaim reconcile": false,
	"Certificate platform-everything-wildcard": true, "Guard platform-everything": true,
	"Record platform-everything-app": true, "Record platform-everything-grafana": true, "Record platform-everything-tenants": true,
	"Record platform-everything-caa": true, "Record platform-everything-caa-wildcard": true,
	"Deployment traefik": true, "Service traefik": true, "Deployment pooler": true, "Service pooler": true, "Secret pooler": true,
	"Deployment app": true, "Service app": true, "Service route-app": true, "Ingress route-app": true,
	"Secret database": true, "Secret tenants": true, "ConfigMap tenants": true,
}

func TestAProtectedStackKeepsWhatTheListSaysAndAnUnprotectedOneNothing(t *testing.T) {
	protected := map[string]bool{}
	for _, variant := range variants {
		for _, g := range declaredVariant(t, variant) {
			if !g.Protect && !g.Retain {
				continue
			}
			assert.Contains(t, []string{"prod", everything}, variant, "%s is kept in a stack that is not protected", keyOf(g))
			if variant != everything {
				continue
			}
			kind := kindOf(g)
			key := kind
			if _, byKind := kept[kind]; !byKind {
				key += " " + g.Name
			}
			protected[key] = g.Protect
		}
	}
	assert.Equal(t, kept, protected)
}

// Another level would let a Pod of the namespace run as root.
func TestEveryNamespaceIsRestrictedButThatOfTheNodeExporter(t *testing.T) {
	for _, variant := range variants {
		levels := map[string]any{}
		for _, g := range declaredVariant(t, variant) {
			if g.Type == coreGroup+"Namespace" {
				levels[g.Name] = pulumitest.Dig(g.Inputs, "metadata.labels.pod-security.kubernetes.io/enforce")
			}
		}
		want := map[string]any{}
		for _, namespace := range workload.Namespaces() {
			want[namespace] = "restricted"
		}
		want[workload.NodeMetricsNamespace] = "privileged"
		assert.Equal(t, want, levels, variant)
	}
}

func TestTheClusterRefusesVolumesThatAreNotOnTheBill(t *testing.T) {
	for variant, want := range map[string][]string{
		"demo":     {`in ["monitoring"]`, `in ["` + catalog.StorageClass + `"]`},
		"prod":     {`in ["monitoring"]`, `in ["` + catalog.StorageClass + `", "` + catalog.RetainedStorageClass + `"]`},
		everything: {`in ["monitoring", "tenants"]`, `in ["` + catalog.StorageClass + `", "` + catalog.RetainedStorageClass + `"]`},
	} {
		found := 0
		for _, g := range declaredVariant(t, variant) {
			if g.Name != "platform-volumes" || kindOf(g) != "ValidatingAdmissionPolicy" {
				continue
			}
			found++
			for i, part := range want {
				assert.Contains(t, pulumitest.Dig(list(g.Inputs, "spec.validations")[i], "expression"), part, variant)
			}
		}
		assert.Equal(t, 1, found, variant)
	}
}
