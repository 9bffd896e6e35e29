package ingress_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/ingress"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() ingress.Args {
	set := workload.For(settings.Settings{Capacity: settings.Capacity{SurviveNodeLoss: true}})
	return ingress.Args{Pods: set.Traefik.Pods, TrustedRange: "10.10.0.0/20"}
}

func declared(t *testing.T, a ingress.Args) *pulumitest.Recorder {
	t.Helper()
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := ingress.New(ctx, "test", a)
		return err
	}))
	return r
}

func flags(t *testing.T, r *pulumitest.Recorder) []any {
	t.Helper()
	g, ok := r.Find("kubernetes:apps/v1:Deployment", "traefik")
	require.True(t, ok)
	containers := pulumitest.Dig(g.Inputs, "spec.template.spec.containers").([]any)
	return pulumitest.Dig(containers[0], "args").([]any)
}

func TestIngress(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"kubernetes"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := ingress.New(ctx, "test", args(), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := ingress.New(ctx, "test", ingress.Args{TrustedRange: "10.0.0.0/8", Address: "192.0.2.1"})
			return err
		},
		Faults: []string{"pods:", "address:"},
		Type:   "platform:ingress:Ingress", Custom: 15,
	}.Check(t)
	all := flags(t, r)
	assert.Contains(t, all, "--entryPoints.web.http.redirections.entryPoint.scheme=https")
	assert.Contains(t, all, "--entryPoints.websecure.http.middlewares=hsts@file")
	assert.Contains(t, all, "--metrics.prometheus.addRoutersLabels=true")
	for _, entrance := range []string{"web", "websecure"} {
		assert.Contains(t, all, "--entryPoints."+entrance+".proxyProtocol.trustedIPs=10.10.0.0/20", "else Traefik takes the proxy header for a request")
	}
}

func TestEachReplicaAppliesItsShareOfATiersRateRoundedUp(t *testing.T) {
	a := args()
	for _, replicas := range []int{1, 2, 3} {
		a.Pods.Replicas = replicas
		config, ok := declared(t, a).Find("kubernetes:core/v1:ConfigMap", "traefik")
		require.True(t, ok)
		for _, tier := range settings.Tiers {
			share := int(math.Ceil(float64(tier.RequestsPerSecond) / float64(replicas)))
			assert.Regexp(t, fmt.Sprintf(`%s:\s+rateLimit:\s+average: %d\b`, routes.TierLimit(tier.Name), share), pulumitest.Dig(config.Inputs, "data.dynamic.yaml"))
		}
	}
}

func TestServiceAsksForTheRegionalLoadBalancer(t *testing.T) {
	service, ok := declared(t, args()).Find("kubernetes:core/v1:Service", "traefik")
	require.True(t, ok)
	assert.Equal(t, "REGIONAL", pulumitest.Dig(service.Inputs, "metadata.annotations.service.beta.kubernetes.io/do-loadbalancer-type"))
}

func TestTraefikReadsSecretsInItsOwnNamespaceOnly(t *testing.T) {
	r := declared(t, args())
	rules := 0
	for _, g := range r.Registrations() {
		if g.Type != "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole" {
			continue
		}
		for _, rule := range g.Inputs["rules"].([]any) {
			assert.NotContains(t, pulumitest.Dig(rule, "resources"), "secrets")
			rules++
		}
	}
	assert.Equal(t, 2, rules, "rules of the ClusterRole")
	assert.Contains(t, flags(t, r), "--providers.kubernetesIngress.namespaces=ingress")
}

func TestAddressMakesTheServiceANodePortWithoutTheProxyProtocol(t *testing.T) {
	a := args()
	a.TrustedRange, a.Address = "", "192.0.2.1"
	r := declared(t, a)
	service, _ := r.Find("kubernetes:core/v1:Service", "traefik")
	assert.Equal(t, "NodePort", pulumitest.Dig(service.Inputs, "spec.type"))
	assert.Nil(t, pulumitest.Dig(service.Inputs, "metadata.annotations"))
	all := flags(t, r)
	require.NotEmpty(t, all)
	for _, flag := range all {
		assert.NotContains(t, flag, "proxyProtocol")
	}
}

func TestHSTSHeaderIncludesSubdomainsIfArgsSaySo(t *testing.T) {
	for _, include := range []bool{true, false} {
		a := args()
		a.HSTSIncludeSubdomains = include
		config, ok := declared(t, a).Find("kubernetes:core/v1:ConfigMap", "traefik")
		require.True(t, ok)
		assert.Contains(t, pulumitest.Dig(config.Inputs, "data.dynamic.yaml"), fmt.Sprintf("stsIncludeSubdomains: %t\n", include))
	}
}
