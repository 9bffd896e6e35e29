package stacks

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestProgramFailsIfAnyResourceFails(t *testing.T) {
	whole := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(whole, "prod", stackConfig(t, "prod"), Program))
	custom := 0
	for _, g := range whole.Registrations() {
		if g.Custom {
			custom++
		}
	}
	require.Greater(t, custom, 50)
	for n := 1; n <= custom; n++ {
		r := &pulumitest.Recorder{FailAt: n}
		require.ErrorContains(t, pulumitest.Run(r, "prod", stackConfig(t, "prod"), Program), pulumitest.ErrBoom.Error(), "resource %d", n)
	}
}

func TestFaultyConfigurationRegistersNothing(t *testing.T) {
	good := stackConfig(t, "demo")
	cases := map[string]struct {
		config map[string]string
		path   string
	}{
		"over budget":          {with(t, good, "cluster.ha", true), "over by $"},
		"unknown key":          {with(t, good, "budgett", 1), "settings.budgett"},
		"misspelt size":        {with(t, good, "nodes.size", "s-2vcpu-5gb"), "settings.nodes.size"},
		"domain with a scheme": {with(t, good, "domain", "https://demo.genericcorp.com"), "settings.domain"},
		"negative number":      {with(t, good, "nodes.count", -1), "settings.nodes.count"},
		"missing e-mail":       {with(t, good, "email", ""), "settings.email"},
		"impossible region":    {with(t, good, "region", "moon1"), "settings.region"},
		"bad tenant":           {with(t, good, "tenants", []any{map[string]any{"name": "Admin_"}}), "settings.tenants[0].name"},
		"does not fit":         {with(t, good, "nodes", map[string]any{"size": "s-1vcpu-2gb", "count": 1}), "does not fit"},
		"no settings":          {map[string]string{}, settings.Key},
		"a token in the file":  {plus(good, "digitalocean:token", "canary-in-file"), "Run: pulumi config rm digitalocean:token"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &pulumitest.Recorder{}
			require.ErrorContains(t, pulumitest.Run(r, "demo", c.config, Program), c.path)
			assert.Empty(t, r.Registrations())
		})
	}
}

func TestAllMissingCredentialsAreNamedAtOnce(t *testing.T) {
	cfg := stackConfig(t, "demo")
	t.Setenv("DIGITALOCEAN_ACCESS_TOKEN", "")
	t.Setenv("CLOUDFLARE_API_TOKEN", "")
	r := &pulumitest.Recorder{}
	err := pulumitest.Run(r, "demo", cfg, Program)
	require.ErrorContains(t, err, "DIGITALOCEAN_ACCESS_TOKEN: is not set")
	require.ErrorContains(t, err, "CLOUDFLARE_API_TOKEN: is not set")
	assert.Empty(t, r.Registrations())
}

func TestTwoDifferentDigitalOceanTokensAreRefused(t *testing.T) {
	cfg := stackConfig(t, "demo")
	t.Setenv("DIGITALOCEAN_TOKEN", "canary-other")
	r := &pulumitest.Recorder{}
	err := pulumitest.Run(r, "demo", cfg, Program)
	require.ErrorContains(t, err, "Run: unset DIGITALOCEAN_TOKEN")
	assert.NotContains(t, err.Error(), "canary")
	assert.Empty(t, r.Registrations())
	t.Setenv("DIGITALOCEAN_TOKEN", canaryDigitalOcean)
	require.NoError(t, pulumitest.Run(&pulumitest.Recorder{}, "demo", cfg, Program), "the same token twice is no fault")
}

// plus returns the configuration with one more key.
func plus(cfg map[string]string, key, value string) map[string]string {
	out := maps.Clone(cfg)
	out[key] = value
	return out
}

func TestOverBudgetErrorHasTheBillAndAWayOut(t *testing.T) {
	err := pulumitest.Run(&pulumitest.Recorder{}, "demo", with(t, stackConfig(t, "demo"), "cluster.ha", true), Program)
	over := &budget.OverError{}
	require.ErrorAs(t, err, &over)
	assert.Equal(t, budget.Cents(8000), over.Limit)
	assert.Contains(t, err.Error(), fmt.Sprintf("settings.cluster.ha: false, for %s", over.Bill.Total()-catalog.HAControlPlane.Unit))
}

func TestEveryFaultyFileRegistersNothing(t *testing.T) {
	files, err := filepath.Glob("../internal/settings/testdata/faulty/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(data), "\n")
		r := &pulumitest.Recorder{}
		err = pulumitest.Run(r, "demo", map[string]string{settings.Key: string(data)}, Program)
		require.ErrorContains(t, err, strings.TrimPrefix(first, "# want: "), file)
		assert.Empty(t, r.Registrations(), file)
	}
}
