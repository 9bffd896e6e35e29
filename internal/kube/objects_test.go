package kube_test

import (
	"testing"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestPodRunsWithoutRootTokenAndServiceVariables(t *testing.T) {
	pod := kube.Pod(workload.App, 1000)
	assert.Equal(t, pulumi.Bool(false), pod.AutomountServiceAccountToken)
	assert.Equal(t, pulumi.Bool(false), pod.EnableServiceLinks, "a variable DATABASE_PORT of a Service would reach the app")
	security := pod.SecurityContext.(*corev1.PodSecurityContextArgs)
	assert.Equal(t, pulumi.Bool(true), security.RunAsNonRoot)
	for _, id := range []pulumi.IntPtrInput{security.RunAsUser, security.RunAsGroup, security.FsGroup} {
		assert.Equal(t, pulumi.Int(1000), id, "without fsGroup the user cannot write to a claimed volume")
	}
}

func TestResourcesHaveTheLimitsOfTheSizing(t *testing.T) {
	share := components.Share{Request: components.Resources{MilliCPU: 100, MiB: 64}, Limit: components.Resources{MiB: 128}}
	args := kube.ShareOf(share)
	assert.Equal(t, pulumi.StringMap{"cpu": pulumi.String("100m"), "memory": pulumi.String("64Mi")}, args.Requests)
	assert.Equal(t, pulumi.StringMap{"memory": pulumi.String("128Mi")}, args.Limits, "no CPU limit unless there is one")
	share.Limit.MilliCPU = 200
	assert.Equal(t, pulumi.StringMap{"cpu": pulumi.String("200m"), "memory": pulumi.String("128Mi")}, kube.ShareOf(share).Limits)
}

func TestStopIsDelayedByTheGivenSeconds(t *testing.T) {
	hook := kube.DrainFirst(7).PreStop.(*corev1.LifecycleHandlerArgs)
	assert.Equal(t, pulumi.Int(7), hook.Sleep.(*corev1.SleepActionArgs).Seconds)
}

func TestDeploymentReplacesPodsAsTheSizingCounts(t *testing.T) {
	for name, c := range map[string]struct {
		pods               components.Pods
		kind               string
		surge, unavailable int
	}{
		"a surge":                       {components.Pods{Replicas: 2, Surge: 1}, "RollingUpdate", 1, 0},
		"one replica without a surge":   {components.Pods{Replicas: 1}, "Recreate", 0, 0},
		"some replicas without a surge": {components.Pods{Replicas: 3}, "RollingUpdate", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			spec := kube.Deployment(workload.App, c.pods, nil, &corev1.PodSpecArgs{}).Spec.(*appsv1.DeploymentSpecArgs)
			assert.Equal(t, pulumi.Int(c.pods.Replicas), spec.Replicas)
			strategy := spec.Strategy.(*appsv1.DeploymentStrategyArgs)
			assert.Equal(t, pulumi.String(c.kind), strategy.Type)
			if c.kind == "Recreate" {
				assert.Nil(t, strategy.RollingUpdate, "the API server refuses both")
				return
			}
			update := strategy.RollingUpdate.(*appsv1.RollingUpdateDeploymentArgs)
			assert.Equal(t, []any{pulumi.Int(c.surge), pulumi.Int(c.unavailable)}, []any{update.MaxSurge, update.MaxUnavailable})
		})
	}
}

func TestSpreadCountsOneRevisionAndNoDrainedNodes(t *testing.T) {
	pod := &corev1.PodSpecArgs{}
	kube.Deployment(workload.App, components.Pods{Replicas: 2, Spread: true}, nil, pod)
	spread := pod.TopologySpreadConstraints.(corev1.TopologySpreadConstraintArray)
	require.Len(t, spread, 1)
	constraint := spread[0].(*corev1.TopologySpreadConstraintArgs)
	assert.Equal(t, pulumi.Int(1), constraint.MaxSkew)
	assert.Equal(t, pulumi.String("ScheduleAnyway"), constraint.WhenUnsatisfiable, "the sizing does not count on a place for each replica")
	assert.Equal(t, pulumi.String("Honor"), constraint.NodeTaintsPolicy, "a drained node does not count")
	assert.Equal(t, pulumi.ToStringArray([]string{"pod-template-hash"}), constraint.MatchLabelKeys, "old Pods do not count in an update")
	assert.Equal(t, kube.Selector(workload.App), constraint.LabelSelector.(*metav1.LabelSelectorArgs).MatchLabels)
}

func TestDisruptionBudgetLetsADrainEvictOnePod(t *testing.T) {
	spec := kube.KeepAllButOne(workload.App).Spec.(*policyv1.PodDisruptionBudgetSpecArgs)
	assert.Equal(t, pulumi.Int(1), spec.MaxUnavailable)
	assert.Nil(t, spec.MinAvailable, "with it, a drain of one replica would never end")
	assert.Equal(t, kube.Selector(workload.App), spec.Selector.(*metav1.LabelSelectorArgs).MatchLabels)
}

func TestClaimHasTheSizeOfThePodsAndIsNotAwaited(t *testing.T) {
	for class, want := range map[string]any{"": nil, "retain": "retain"} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
			_, err := corev1.NewPersistentVolumeClaim(ctx, "claim", kube.Claim(workload.VictoriaMetrics, components.Pods{VolumeGiB: 5}, class))
			return err
		}))
		claim, ok := r.Find("kubernetes:core/v1:PersistentVolumeClaim", "claim")
		require.True(t, ok)
		assert.Equal(t, "5Gi", pulumitest.Dig(claim.Inputs, "spec.resources.requests.storage"))
		assert.Equal(t, []any{"ReadWriteOnce"}, pulumitest.Dig(claim.Inputs, "spec.accessModes"))
		assert.Equal(t, want, pulumitest.Dig(claim.Inputs, "spec.storageClassName"), "nil is the cluster's default")
		assert.Equal(t, "true", pulumitest.Dig(claim.Inputs, "metadata.annotations.pulumi.com/skipAwait"), "Pulumi would wait for a Pod that comes later")
	}
}

func TestNamespaceEnforcesItsPodSecurityStandard(t *testing.T) {
	labels := kube.NamespaceArgs("shop", kube.Privileged).Metadata.(*metav1.ObjectMetaArgs).Labels.(pulumi.StringMap)
	for _, mode := range []string{"enforce", "audit", "warn"} {
		assert.Equal(t, pulumi.String("privileged"), labels["pod-security.kubernetes.io/"+mode], mode)
	}
}

func TestAnyPodMayQueryDNSOverUDPAndTCP(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := kube.Namespace(ctx, "shop", kube.Restricted, nil)
		return err
	}))
	dns, ok := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "shop-allow-dns")
	require.True(t, ok)
	rule := pulumitest.Dig(dns.Inputs, "spec.egress").([]any)[0]
	assert.ElementsMatch(t, []any{
		map[string]any{"port": 53.0, "protocol": "TCP"}, map[string]any{"port": 53.0, "protocol": "UDP"},
	}, pulumitest.Dig(rule, "ports"))
	assert.Equal(t, []string{"TCP"}, protocols(kube.Policy{Namespace: "a", Name: "b", From: []kube.Peer{{Ports: []int{80}}}}), "other policies allow TCP only")
}

// protocols returns the protocols of a policy's first ingress rule.
func protocols(p kube.Policy) []string {
	rule := spec(p).Ingress.(networkingv1.NetworkPolicyIngressRuleArray)[0].(*networkingv1.NetworkPolicyIngressRuleArgs)
	var out []string
	for _, port := range rule.Ports.(networkingv1.NetworkPolicyPortArray) {
		out = append(out, string(port.(*networkingv1.NetworkPolicyPortArgs).Protocol.(pulumi.String)))
	}
	return out
}

func TestAccountIsBoundToItsOwnRolesAfterTheyExist(t *testing.T) {
	r := &pulumitest.Recorder{}
	account := kube.Account{
		Ref:          workload.Traefik,
		Rules:        []kube.Rule{{Resources: []string{"secrets"}, Verbs: kube.Read}},
		ClusterRules: []kube.Rule{{Resources: []string{"nodes"}, Verbs: kube.Read}},
	}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		registered, err := account.Register(ctx)
		assert.Len(t, registered, 3, "the account and two bindings, on which its Pods depend")
		return err
	}))
	const rbac = "kubernetes:rbac.authorization.k8s.io/v1:"
	for kind, name := range map[string]string{"Role": "traefik", "ClusterRole": "platform-traefik"} {
		role, ok := r.Find(rbac+kind, "traefik")
		require.True(t, ok, kind)
		assert.Equal(t, name, pulumitest.Dig(role.Inputs, "metadata.name"))
		assert.Equal(t, []any{"get", "list", "watch"}, pulumitest.Dig(pulumitest.Dig(role.Inputs, "rules").([]any)[0], "verbs"))
		binding, ok := r.Find(rbac+kind+"Binding", "traefik")
		require.True(t, ok, kind)
		assert.Equal(t, kind, pulumitest.Dig(binding.Inputs, "roleRef.kind"))
		assert.Equal(t, name, pulumitest.Dig(binding.Inputs, "roleRef.name"), "the name of the role")
		assert.Equal(t, map[string]any{"kind": "ServiceAccount", "name": "traefik", "namespace": "ingress"},
			pulumitest.Dig(binding.Inputs, "subjects").([]any)[0])
		require.NotEmpty(t, binding.DependsOn, "Kubernetes refuses a binding to a role that is missing")
		assert.Contains(t, binding.DependsOn[0], kind+"::traefik")
	}
	cluster, _ := r.Find(rbac+"ClusterRole", "traefik")
	assert.Equal(t, []any{"nodes"}, pulumitest.Dig(pulumitest.Dig(cluster.Inputs, "rules").([]any)[0], "resources"), "not the rules of the namespace")
}

func TestSecretChecksumIsShortAndNotSecret(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		credential := pulumi.ToSecret(pulumi.String("a long random password")).(pulumi.StringOutput)
		_, err := corev1.NewConfigMap(ctx, "checksum", &corev1.ConfigMapArgs{
			Metadata: kube.Meta(workload.App, "checksum"), Data: pulumi.StringMap{"sum": kube.SecretChecksum(credential)},
		})
		return err
	}))
	g, ok := r.Find("kubernetes:core/v1:ConfigMap", "checksum")
	require.True(t, ok)
	assert.Regexp(t, "^[0-9a-f]{16}$", pulumitest.Dig(g.Inputs, "data.sum"))
	assert.Empty(t, g.Secrets, "a preview must show that it changes")
}
