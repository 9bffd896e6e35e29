package certificates_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/certificates"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args(chart string) certificates.Args {
	set := workload.For(settings.Settings{})
	return certificates.Args{
		Domain: "demo.example.com", Email: "sre@genericcorp.com", Issuer: "staging", Chart: chart,
		CertManager: set.CertManager.Pods, CAInjector: set.CAInjector.Pods, Webhook: set.Webhook.Pods,
		CloudflareToken: pulumi.String("token"), Namespace: pulumi.String("ingress"),
	}
}

const (
	official = "oci://quay.io/jetstack/charts/cert-manager"
	release  = "kubernetes:helm.sh/v3:Release"
)

func declare(ctx *pulumi.Context, chart string, opts ...pulumi.ResourceOption) error {
	_, err := certificates.New(ctx, "test", args(chart), opts...)
	return err
}

func TestCertificates(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"kubernetes"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			return declare(ctx, official, opts...)
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := certificates.New(ctx, "test", certificates.Args{})
			return err
		},
		Faults: []string{"domain:", "email:", "chart:", "issuer:", "cloudflareToken:", "namespace:"},
		Type:   "platform:certificates:Certificates", Custom: 11,
		Secrets: map[string]string{"test-cloudflare-api-token": "stringData"},
	}.Check(t)

	certificate, ok := r.Find("kubernetes:cert-manager.io/v1:Certificate", "test-wildcard")
	require.True(t, ok)
	assert.Equal(t, []any{"demo.example.com", "*.demo.example.com"}, pulumitest.Dig(certificate.Inputs, "spec.dnsNames"))
	assert.Equal(t, "letsencrypt-staging", pulumitest.Dig(certificate.Inputs, "spec.issuerRef.name"))
	assert.EqualValues(t, 33, pulumitest.Dig(certificate.Inputs, "spec.renewBeforePercentage"), "a third of the life is left to repair a failed renewal")
	assert.Nil(t, pulumitest.Dig(certificate.Inputs, "spec.renewBefore"), "Let's Encrypt shortens the life, so a number of days would become wrong")
	for name, server := range map[string]string{
		"test-staging": "https://acme-staging-v02.api.letsencrypt.org/directory", "test-production": "https://acme-v02.api.letsencrypt.org/directory",
	} {
		issuer, ok := r.Find("kubernetes:cert-manager.io/v1:ClusterIssuer", name)
		require.True(t, ok)
		assert.Equal(t, server, pulumitest.Dig(issuer.Inputs, "spec.acme.server"))
	}
	awaited := func(name string) any {
		issuer, _ := r.Find("kubernetes:cert-manager.io/v1:ClusterIssuer", name)
		return pulumitest.Dig(issuer.Inputs, "metadata.annotations.pulumi.com/waitFor")
	}
	assert.Equal(t, "condition=Ready", awaited("test-staging"), "the issuer in use")
	assert.Nil(t, awaited("test-production"), "an outage of the other server must not stop an update")
}

func TestEachResourceDependsOnTheOneThatItNeeds(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error { return declare(ctx, official) }))
	dependsOn := func(token, name, what string) {
		g, ok := r.Find(token, name)
		require.True(t, ok, name)
		assert.Contains(t, strings.Join(g.DependsOn, "\n"), what)
	}
	dependsOn(release, "test-cert-manager", "core/v1:Namespace::cert-manager")
	dependsOn(release, "test-cert-manager", "cert-manager-allow-webhook")
	dependsOn("kubernetes:core/v1:Secret", "test-cloudflare-api-token", "::test-cert-manager")
	dependsOn("kubernetes:cert-manager.io/v1:ClusterIssuer", "test-staging", "::test-cloudflare-api-token")
	dependsOn("kubernetes:cert-manager.io/v1:Certificate", "test-wildcard", "::test-staging")
	installed, _ := r.Find(release, "test-cert-manager")
	assert.Equal(t, true, installed.Inputs["waitForJobs"])
	assert.Equal(t, true, pulumitest.Dig(installed.Inputs, "values.crds.enabled"))
	assert.EqualValues(t, 10, pulumitest.Dig(installed.Inputs, "values.webhook.timeoutSeconds"), "DigitalOcean upgrades no cluster with more than 29")
}

func TestReleaseTakesTheChartFromTheAddressOfAMirror(t *testing.T) {
	for chart, want := range map[string][2]any{
		"oci://mirror.example.com/charts/cert-manager":   {"oci://mirror.example.com/charts/cert-manager", nil},
		"https://mirror.example.com/charts/cert-manager": {"cert-manager", "https://mirror.example.com/charts"},
	} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error { return declare(ctx, chart) }))
		installed, _ := r.Find(release, "test-cert-manager")
		assert.Equal(t, want[0], installed.Inputs["chart"])
		assert.Equal(t, want[1], pulumitest.Dig(installed.Inputs, "repositoryOpts.repo"))
	}
}
