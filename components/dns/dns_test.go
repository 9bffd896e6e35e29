package dns_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/dns"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func declare(ctx *pulumi.Context, domain string, opts ...pulumi.ResourceOption) error {
	_, err := dns.New(ctx, "test", dns.Args{Zone: "example.com", Domain: domain, Address: pulumi.String("203.0.113.7")}, opts...)
	return err
}

const token = "cloudflare:index/record:Record"

func TestDNS(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"cloudflare"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			return declare(ctx, "demo.example.com", opts...)
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := dns.New(ctx, "test", dns.Args{Domain: "demo.example.com"})
			return err
		},
		Faults: []string{"zone:", "domain:", "address:"},
		Type:   "platform:dns:Records", Custom: 5,
	}.Check(t)
	for name, host := range map[string]string{"test-app": "demo", "test-grafana": "grafana.demo", "test-tenants": "*.demo"} {
		record, ok := r.Find(token, name)
		require.True(t, ok, name)
		assert.Equal(t, host, record.Inputs["name"])
		assert.Equal(t, "203.0.113.7", record.Inputs["content"])
	}
	for name, tag := range map[string]string{"test-caa": "issue", "test-caa-wildcard": "issuewild"} {
		record, ok := r.Find(token, name)
		require.True(t, ok, name)
		assert.Equal(t, tag, pulumitest.Dig(record.Inputs, "data.tag"))
		assert.Equal(t, "letsencrypt.org", pulumitest.Dig(record.Inputs, "data.value"))
	}
}

func TestHostsGoThroughCloudflareOnlyIfProxied(t *testing.T) {
	for _, proxied := range []bool{true, false} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
			_, err := dns.New(ctx, "test", dns.Args{Zone: "example.com", Domain: "example.com", Address: pulumi.String("203.0.113.7"), Proxied: proxied})
			return err
		}))
		for _, name := range []string{"test-app", "test-grafana", "test-tenants"} {
			record, ok := r.Find(token, name)
			require.True(t, ok, name)
			assert.Equal(t, proxied, record.Inputs["proxied"], name)
		}
	}
}

func TestRecordsOfADomainThatIsTheZoneHaveTheNamesAtAndWildcard(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error { return declare(ctx, "example.com") }))
	record, _ := r.Find(token, "test-app")
	assert.Equal(t, "@", record.Inputs["name"])
	record, _ = r.Find(token, "test-tenants")
	assert.Equal(t, "*", record.Inputs["name"])
}
