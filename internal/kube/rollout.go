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

// strategy returns how an update replaces Pods. With a surge, for which the sizing has room, no
// Pod stops before its successor is ready. Without one, a single Pod is stopped first, and
// several Pods are replaced one at a time.
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

// Deployment returns the Deployment of a workload with the replicas, the surge and the spread
// of pods, which the sizing counted. It sets the spread in the given Pod.
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

// spreadOverNodes makes the scheduler prefer the nodes with the fewest Pods of the revision. It
// only prefers them: a plan has room for each Pod on some node, but not on a given one
// (decision 0009). A node that is being drained does not count.
func spreadOverNodes(of workload.Ref) corev1.TopologySpreadConstraintArray {
	return corev1.TopologySpreadConstraintArray{&corev1.TopologySpreadConstraintArgs{
		MaxSkew:           pulumi.Int(1),
		TopologyKey:       pulumi.String("kubernetes.io/hostname"),
		WhenUnsatisfiable: pulumi.String("ScheduleAnyway"),
		NodeTaintsPolicy:  pulumi.String("Honor"),
		LabelSelector:     &metav1.LabelSelectorArgs{MatchLabels: Selector(of)},
		MatchLabelKeys:    pulumi.ToStringArray([]string{"pod-template-hash"}),
	}}
}

// KeepAllButOne returns a disruption budget: a drain may evict one Pod of the workload at a
// time.
func KeepAllButOne(of workload.Ref) *policyv1.PodDisruptionBudgetArgs {
	return &policyv1.PodDisruptionBudgetArgs{
		Metadata: Meta(of, of.Name),
		Spec: &policyv1.PodDisruptionBudgetSpecArgs{
			MaxUnavailable: pulumi.Int(1),
			Selector:       &metav1.LabelSelectorArgs{MatchLabels: Selector(of)},
		},
	}
}

// WithChecksum returns the annotations with a checksum of configuration, so that a change of
// the configuration replaces the Pods. It does not change the given annotations.
func WithChecksum(annotations pulumi.StringMap, config ...string) pulumi.StringMap {
	sum := sha256.Sum256([]byte(strings.Join(config, "\x00")))
	out := maps.Clone(annotations)
	if out == nil {
		out = pulumi.StringMap{}
	}
	out["checksum/config"] = pulumi.String(hex.EncodeToString(sum[:8]))
	return out
}

// SecretChecksum returns a checksum of a credential for a Pod's annotations. The result is not
// secret. So the credential must be long and random: somebody could guess a short one from its
// checksum.
func SecretChecksum(credential pulumi.StringInput) pulumi.StringOutput {
	sum := credential.ToStringOutput().ApplyT(func(text string) string {
		hash := sha256.Sum256([]byte(text))
		return hex.EncodeToString(hash[:8])
	}).(pulumi.StringOutput)
	return pulumi.Unsecret(sum).(pulumi.StringOutput)
}

// Protected returns the options with pulumi.Protect. It does not change the given slice.
func Protected(opts []pulumi.ResourceOption, protect bool) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.Protect(protect))
}

// After returns the options with a dependency on other resources. Kubernetes objects refer to
// each other by name, so Pulumi does not know these dependencies. It does not change the given
// slice.
func After(opts []pulumi.ResourceOption, others ...pulumi.Resource) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.DependsOn(others))
}
