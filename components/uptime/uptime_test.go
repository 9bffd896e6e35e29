package uptime_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/uptime"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestUptime(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"digitalocean"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := uptime.New(ctx, "test", uptime.Args{Email: "sre@genericcorp.com", Checks: []uptime.Check{
				{Name: "app", URL: "https://genericcorp.com/healthz"}, {Name: "acme", URL: "https://acme.genericcorp.com/healthz"},
			}}, opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := uptime.New(ctx, "test", uptime.Args{Checks: []uptime.Check{{Name: "a", URL: "http://genericcorp.com"}, {Name: "a", URL: "https://genericcorp.com"}}})
			return err
		},
		Faults: []string{"email:", "checks[0].url:", "checks[1].name:"},
		Type:   "platform:uptime:Checks", Custom: 6,
	}.Check(t)
	check, ok := r.Find("digitalocean:index/uptimeCheck:UptimeCheck", "test-acme")
	require.True(t, ok)
	assert.Equal(t, "https://acme.genericcorp.com/healthz", check.Inputs["target"])
	for name, want := range map[string][]any{"test-acme-down": {"down_global", 1.0}, "test-acme-certificate": {"ssl_expiry", 14.0}} {
		alert, ok := r.Find("digitalocean:index/uptimeAlert:UptimeAlert", name)
		require.True(t, ok, name)
		assert.Equal(t, want, []any{alert.Inputs["type"], alert.Inputs["threshold"]})
		assert.Equal(t, []any{map[string]any{"emails": []any{"sre@genericcorp.com"}}}, alert.Inputs["notifications"])
	}
}
