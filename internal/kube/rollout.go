package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

// strategy replaces Pods without taking one away before its successor is
// ready, by the surge that the sizing has room for. Without surge, one of several
// Pods goes before its successor comes, and a single one is stopped first.
func strategy(w components.Pods) *appsv1.DeploymentStrategyArgs {
	unavailable := 0
	switch {
	case w.Surge == 0 && w.Replicas > 1:
		unavailable = 1
	case w.Surge == 0:
		return &appsv1.DeploymentStrategyArgs{Type: pulumi.String("Recreate")}
	}
	return &appsv1.DeploymentStrategyArgs{
		Type: pulumi.String("RollingUpdate"),
		RollingUpdate: &appsv1.RollingUpdateDeploymentArgs{
			MaxSurge: pulumi.Int(w.Surge), MaxUnavailable: pulumi.Int(unavailable),
		},
	}
}

// Deployment runs a workload: its replicas, its way of updating, and its spread
// over nodes are those that the sizing counted.
func Deployment(of workload.Ref, pods components.Pods, annotations pulumi.StringMap, pod *corev1.PodSpecArgs) *appsv1.DeploymentArgs {
	if pods.Spread {
		pod.TopologySpreadConstraints = spreadOverNodes(of)
	}
	return &appsv1.DeploymentArgs{
		Metadata: Meta(of, of.Name),
		Spec: &appsv1.DeploymentSpecArgs{
			Replicas: pulumi.Int(pods.Replicas),
			Selector: &metav1.LabelSelectorArgs{MatchLabels: Selector(of)},
			Strategy: strategy(pods),
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: Labels(of.Name), Annotations: annotations},
				Spec:     pod,
			},
		},
	}
}

// spreadOverNodes keeps the Pods of one revision evenly over the nodes. A node
// that is being drained does not count, so that its Pods can move.
func spreadOverNodes(of workload.Ref) corev1.TopologySpreadConstraintArray {
	return corev1.TopologySpreadConstraintArray{&corev1.TopologySpreadConstraintArgs{
		MaxSkew:           pulumi.Int(1),
		TopologyKey:       pulumi.String("kubernetes.io/hostname"),
		WhenUnsatisfiable: pulumi.String("DoNotSchedule"),
		NodeTaintsPolicy:  pulumi.String("Honor"),
		LabelSelector:     &metav1.LabelSelectorArgs{MatchLabels: Selector(of)},
		MatchLabelKeys:    pulumi.ToStringArray([]string{"pod-template-hash"}),
	}}
}

// KeepAllButOne lets a drain take one Pod at a time.
func KeepAllButOne(of workload.Ref) *policyv1.PodDisruptionBudgetArgs {
	return &policyv1.PodDisruptionBudgetArgs{
		Metadata: Meta(of, of.Name),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(1),
			Selector:       &metav1.LabelSelectorArgs{MatchLabels: Selector(of)},
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

// SecretChecksum is a checksum of a credential, for a Pod's annotations. The
// credential has to be long and random: its checksum tells nothing then, and is no
// secret itself.
func SecretChecksum(credential pulumi.StringInput) pulumi.StringOutput {
	sum := credential.ToStringOutput().ApplyT(func(text string) string {
		hash := sha256.Sum256([]byte(text))
		return hex.EncodeToString(hash[:8])
	}).(pulumi.StringOutput)
	return pulumi.Unsecret(sum).(pulumi.StringOutput)
}

// Protected adds to options that a resource refuses to be deleted. The options that
// were given are left as they are.
func Protected(opts []pulumi.ResourceOption, protect bool) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.Protect(protect))
}

// After adds to options that a resource comes after others. Kubernetes objects
// refer to each other by name, which Pulumi does not see. The options that were
// given are left as they are.
func After(opts []pulumi.ResourceOption, others ...pulumi.Resource) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.DependsOn(others))
}
