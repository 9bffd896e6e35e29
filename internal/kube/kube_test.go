package kube_test

import (
	"testing"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func spec(p kube.Policy) *networkingv1.NetworkPolicySpecArgs {
	return p.Args().Spec.(*networkingv1.NetworkPolicySpecArgs)
}

func TestPolicyDoesNotRestrictANilSide(t *testing.T) {
	in := spec(kube.Policy{Namespace: "a", Name: "in", From: []kube.Peer{{Namespace: "b", App: "web", Ports: []int{80}}}})
	assert.Equal(t, pulumi.ToStringArray([]string{"Ingress"}), in.PolicyTypes)
	assert.Nil(t, in.Egress)
	rule := in.Ingress.(networkingv1.NetworkPolicyIngressRuleArray)[0].(*networkingv1.NetworkPolicyIngressRuleArgs)
	peer := rule.From.(networkingv1.NetworkPolicyPeerArray)[0].(*networkingv1.NetworkPolicyPeerArgs)
	assert.NotNil(t, peer.NamespaceSelector)
	assert.NotNil(t, peer.PodSelector)
	assert.Len(t, rule.Ports, 1)
}

func TestPeerWithPortsOnlyMatchesAnyAddress(t *testing.T) {
	out := spec(kube.Policy{Namespace: "a", Name: "out", To: []kube.Peer{kube.APIServer}})
	rule := out.Egress.(networkingv1.NetworkPolicyEgressRuleArray)[0].(*networkingv1.NetworkPolicyEgressRuleArgs)
	assert.Empty(t, rule.To, "nodes match neither a selector nor an address range")
	assert.Len(t, rule.Ports, 2)
}

func TestPolicyWithEmptySidesDeniesAll(t *testing.T) {
	none := spec(kube.Policy{Namespace: "a", Name: "none", From: []kube.Peer{}, To: []kube.Peer{}})
	assert.Equal(t, pulumi.ToStringArray([]string{"Ingress", "Egress"}), none.PolicyTypes)
	assert.Empty(t, none.Ingress)
	assert.Empty(t, none.Egress)
}

func TestNamespaceHasPoliciesThatDenyAllButDNS(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := kube.Namespace(ctx, "shop", kube.Restricted, nil)
		return err
	}))
	for _, name := range []string{"shop-deny-all", "shop-allow-dns"} {
		g, ok := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", name)
		require.True(t, ok, name)
		assert.Contains(t, g.DependsOn[0], "Namespace::shop")
	}
}

func TestChecksumChangesIfAndOnlyIfTheConfigurationChanges(t *testing.T) {
	base := pulumi.StringMap{"a": pulumi.String("1")}
	one, same, other := kube.WithChecksum(base, "x", "y"), kube.WithChecksum(base, "x", "y"), kube.WithChecksum(base, "xy", "")
	assert.Equal(t, one, same)
	assert.NotEqual(t, one, other, "the boundary between two texts matters")
	assert.Len(t, base, 1, "the given annotations must not change")
}

func TestDeploymentSpreadsPodsIfTheSizingDoes(t *testing.T) {
	pods := components.Pods{Replicas: 3, Surge: 1, Spread: true}
	pod := &corev1.PodSpecArgs{}
	kube.Deployment(workload.App, pods, nil, pod)
	assert.NotNil(t, pod.TopologySpreadConstraints)
	pods.Spread, pods.Surge = false, 0
	pod = &corev1.PodSpecArgs{}
	kube.Deployment(workload.App, pods, nil, pod)
	assert.Nil(t, pod.TopologySpreadConstraints)
}

func TestEndpointIsProbedOnItsPathAndNamedPort(t *testing.T) {
	e := kube.Endpoint{Path: "/healthz", Port: "http"}
	for probe, want := range map[*corev1.ProbeArgs][2]int{e.Probe(30): {30, 3}, e.StartupProbe(): {2, 60}} {
		get := probe.HttpGet.(*corev1.HTTPGetActionArgs)
		assert.Equal(t, pulumi.String("/healthz"), get.Path)
		assert.Equal(t, pulumi.String("http"), get.Port)
		assert.Equal(t, pulumi.Int(want[0]), probe.PeriodSeconds)
		assert.Equal(t, pulumi.Int(want[1]), probe.FailureThreshold)
		assert.Equal(t, pulumi.Int(2), probe.TimeoutSeconds)
	}
}

func TestVolumeHasOneNameInThePodAndInItsMounts(t *testing.T) {
	const data kube.Volume = "data"
	name := pulumi.String("data")
	assert.Equal(t, &corev1.VolumeMountArgs{Name: name, MountPath: pulumi.String("/x"), ReadOnly: pulumi.Bool(true)}, data.At("/x"))
	assert.Equal(t, &corev1.VolumeMountArgs{Name: name, MountPath: pulumi.String("/x")}, data.WritableAt("/x"))
	assert.Equal(t, &corev1.VolumeArgs{Name: name, EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String("1Mi")}}, data.Scratch("1Mi"))
	assert.Equal(t, &corev1.VolumeArgs{Name: name, ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String("c")}}, data.FromConfigMap("c"))
	assert.Equal(t, &corev1.VolumeArgs{Name: name, PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSourceArgs{ClaimName: pulumi.String("c")}}, data.FromClaim("c"))
	all, some := data.FromSecret("s").Secret.(*corev1.SecretVolumeSourceArgs), data.FromSecret("s", "k").Secret.(*corev1.SecretVolumeSourceArgs)
	assert.Equal(t, pulumi.String("s"), all.SecretName)
	assert.Nil(t, all.Items, "all keys")
	assert.Equal(t, corev1.KeyToPathArray{&corev1.KeyToPathArgs{Key: pulumi.String("k"), Path: pulumi.String("k")}}, some.Items)
}

func TestNamespaceHasItsQuotaBeforeAnythingElse(t *testing.T) {
	r := &pulumitest.Recorder{}
	quotas := components.Quotas{"shop": {
		Request: components.Resources{MilliCPU: 1500, MiB: 512}, Claims: 1, VolumeGiB: 10, LoadBalancers: 1, NodePorts: 2,
	}, "empty": {}}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		for _, name := range []string{"shop", "empty", "free"} {
			enclosed, err := kube.Namespace(ctx, name, kube.Restricted, quotas)
			if err != nil {
				return err
			}
			assert.Len(t, enclosed.Ready, map[string]int{"shop": 4, "empty": 4, "free": 3}[name], "what the Pods of %s depend on", name)
		}
		return nil
	}))
	quota, ok := r.Find("kubernetes:core/v1:ResourceQuota", "shop-budget")
	require.True(t, ok)
	assert.Equal(t, "budget", pulumitest.Dig(quota.Inputs, "metadata.name"), "the name is in refusals")
	assert.Equal(t, map[string]any{
		"requests.cpu": "1500m", "requests.memory": "512Mi", "persistentvolumeclaims": "1", "requests.storage": "10Gi",
		"services.loadbalancers": "1", "services.nodeports": "2",
	}, pulumitest.Dig(quota.Inputs, "spec.hard"))
	assert.Equal(t, `["jsonpath={.status.hard['persistentvolumeclaims']}=1","jsonpath={.status.hard['requests.storage']}=10Gi",`+
		`"jsonpath={.status.hard['services.loadbalancers']}=1","jsonpath={.status.hard['services.nodeports']}=2"]`,
		pulumitest.Dig(quota.Inputs, "metadata.annotations.pulumi.com/waitFor"), "Pulumi does not try again to create a claim")
	none, _ := r.Find("kubernetes:core/v1:ResourceQuota", "empty-budget")
	assert.Equal(t, "0", pulumitest.Dig(none.Inputs, "spec.hard.requests.storage"))
}
