package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/workload"
)

// RollWithout replaces Pods without taking one away before its successor is
// ready, by the surge that the sizing has room for. A workload without surge is
// stopped first and started anew.
func RollWithout(w workload.Workload) *appsv1.DeploymentStrategyArgs {
	if w.Surge == 0 {
		return &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")}
	}
	return &appsv1.DeploymentStrategyArgs{
		Type: pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
			MaxSurge: pulumi.Int(w.Surge), MaxUnavailable: pulumi.Int(0),
		},
	}
}

// KeepAllButOne lets a drain take one Pod at a time.
func KeepAllButOne(app, namespace string) *policyv1.PodDisruptionBudgetArgs {
	return &policyv1.PodDisruptionBudgetArgs{
		Metadata: Meta(app, namespace, app),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(1),
			Selector:       &metav1.LabelSelectorArgs{MatchLabels: Selector(app)},
		},
	}
}

// WithChecksum adds a checksum of configuration to a Pod's annotations, so that
// Pods are replaced when it changes.
func WithChecksum(annotations pulumi.StringMap, config ...string) pulumi.StringMap {
	sum := sha256.Sum256([]byte(strings.Join(config, "\x00")))
	out := maps.Clone(annotations)
	if out == nil {
		out = pulumi.StringMap{}
	}
	out["checksum/config"] = pulumi.String(hex.EncodeToString(sum[:8]))
	return out
}

// After adds to options that a resource comes after others. Kubernetes objects
// refer to each other by name, which Pulumi does not see. The options that were
// given are left as they are.
func After(opts []pulumi.ResourceOption, others ...pulumi.Resource) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.DependsOn(others))
}
