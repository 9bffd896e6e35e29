package stacks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/pulumitest"
	"github.com/genericcorp/platform/internal/settings"
)

func TestEveryRegistrationFailureSurfaces(t *testing.T) {
	whole := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(whole, "prod", config(t, "prod"), Program))
	custom := 0
	for _, g := range whole.Registrations() {
		if g.Custom {
			custom++
		}
	}
	require.Greater(t, custom, 50)
	for n := 1; n <= custom; n++ {
		r := &pulumitest.Recorder{FailAt: n}
		require.ErrorContains(t, pulumitest.Run(r, "prod", config(t, "prod"), Program), pulumitest.ErrBoom.Error(), "resource %d", n)
	}
}

func TestFaultyConfigurationRegistersNothing(t *testing.T) {
	good := config(t, "demo")
	cases := map[string]struct {
		config map[string]string
		path   string
	}{
		"over budget":          {with(t, good, "cluster.ha", true), "over by $11.65"},
		"unknown key":          {with(t, good, "budgett", 1), "settings.budgett"},
		"misspelt size":        {with(t, good, "nodes.size", "s-2vcpu-5gb"), "settings.nodes.size"},
		"domain with a scheme": {with(t, good, "domain", "https://demo.genericcorp.com"), "settings.domain"},
		"negative number":      {with(t, good, "nodes.count", -1), "settings.nodes.count"},
		"missing e-mail":       {with(t, good, "email", ""), "settings.email"},
		"impossible region":    {with(t, good, "region", "moon1"), "settings.region"},
		"bad tenant":           {with(t, good, "tenants", []any{map[string]any{"name": "Admin_"}}), "settings.tenants[0].name"},
		"does not fit":         {with(t, good, "nodes", map[string]any{"size": "s-1vcpu-2gb", "count": 1}), "does not fit"},
		"no settings":          {map[string]string{}, settings.Key},
		"no tokens":            {map[string]string{settings.Key: good[settings.Key]}, "cloudflare:apiToken"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DIGITALOCEAN_TOKEN", "")
			t.Setenv("CLOUDFLARE_API_TOKEN", "")
			r := &pulumitest.Recorder{}
			require.ErrorContains(t, pulumitest.Run(r, "demo", c.config, Program), c.path)
			assert.Empty(t, r.Registrations())
		})
	}
}

func TestAllMissingCredentialsAreNamedAtOnce(t *testing.T) {
	t.Setenv("DIGITALOCEAN_TOKEN", "")
	t.Setenv("CLOUDFLARE_API_TOKEN", "")
	err := pulumitest.Run(&pulumitest.Recorder{}, "demo", map[string]string{settings.Key: config(t, "demo")[settings.Key]}, Program)
	require.ErrorContains(t, err, "digitalocean:token")
	require.ErrorContains(t, err, "cloudflare:apiToken")
}

func TestOverBudgetErrorCarriesTheBill(t *testing.T) {
	err := pulumitest.Run(&pulumitest.Recorder{}, "demo", with(t, config(t, "demo"), "cluster.ha", true), Program)
	over := &budget.OverError{}
	require.ErrorAs(t, err, &over)
	assert.Equal(t, budget.Cents(1165), over.Over())
	assert.Contains(t, err.Error(), "HA control plane ($40.00) is what breaks it; without it this plan costs $51.65")
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
