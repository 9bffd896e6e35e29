package stacks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// existing returns the configuration of a stack with an existing cluster and an external
// database.
func existing(t *testing.T) map[string]string {
	t.Helper()
	setTokens(t)
	return map[string]string{
		settings.Key:           `{"domain":"app.example.com","zone":"example.com","email":"a@genericcorp.com","cluster":{"kind":"existing","context":"kind"},"database":{"kind":"external"}}`,
		"platform:kubeconfig":  `{"clusters":[{"cluster":{"server":"https://192.0.2.1"}}],"users":[{"user":{"token":"canary-kubeconfig"}}]}`,
		"platform:databaseUrl": "postgresql://app:canary-password@db.example.com:6543/app?sslmode=disable",
		"platform:databaseCa":  "PEM",
	}
}

func TestAnExistingClusterAndAnExternalDatabaseCostNothing(t *testing.T) {
	r := &pulumitest.Recorder{}
	cfg := existing(t)
	require.NoError(t, pulumitest.Run(r, "self", cfg, Program))
	s, plan := planOf(t, cfg)
	m := newMeter(plan, s)
	for _, g := range r.Registrations() {
		assert.NotContains(t, g.Type, "digitalocean", g.Name)
		require.NoError(t, m.Register(metered(g)))
		if g.Type != "kubernetes:core/v1:Secret" && g.Name != "kubernetes" {
			assert.NotContains(t, pulumitest.Text(g.Inputs), "canary-password")
			assert.NotContains(t, pulumitest.Text(g.Inputs), "canary-kubeconfig")
		}
	}
	assert.Greater(t, len(r.Registrations()), 50, "resources")
	assert.Zero(t, m.Total())
	database, _ := r.Find("kubernetes:core/v1:Secret", "database")
	assert.Contains(t, pulumitest.Text(database.Inputs), "sslmode=verify-full", "instead of the sslmode of the configuration")
	assert.Contains(t, database.Secrets, "stringData")
	policy, _ := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "app-allow-database")
	assert.Contains(t, pulumitest.Text(policy.Inputs), "6543")
	provider, _ := r.Find("pulumi:providers:kubernetes", "kubernetes")
	assert.Equal(t, []string{"kubeconfig"}, provider.Secrets)
	assert.Equal(t, "kind", provider.Inputs["context"])
}

func TestNetworkPoliciesAllowAnExternalDatabaseInItsNetworkOnly(t *testing.T) {
	cfg := existing(t)
	cfg[settings.Key] = strings.Replace(cfg[settings.Key], `"kind":"external"`, `"kind":"external","network":"203.0.113.16/28"`, 1)
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "self", cfg, Program))
	admitted := map[string]bool{}
	for _, g := range r.Registrations() {
		rules, _ := pulumitest.Dig(g.Inputs, "spec.egress").([]any)
		for _, rule := range rules {
			if text := pulumitest.Text(rule); strings.Contains(text, "6543") {
				assert.Contains(t, text, "203.0.113.16/28", g.Name)
				assert.NotContains(t, text, settings.Anywhere, g.Name)
				namespace, _ := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
				admitted[namespace] = true
			}
		}
	}
	assert.Equal(t, map[string]bool{"app": true, "pooler": true, "tenants": true}, admitted)
}

func TestFaultsOfAnExistingStacksSecretsDoNotShowTheirValues(t *testing.T) {
	for key, value := range map[string]string{
		"platform:databaseUrl": "mysql://app:canary-password@db/app", "platform:kubeconfig": "", "platform:databaseCa": "",
	} {
		cfg := existing(t)
		cfg[key] = value
		r := &pulumitest.Recorder{}
		err := pulumitest.Run(r, "self", cfg, Program)
		require.ErrorContains(t, err, key)
		assert.NotContains(t, err.Error(), "canary-password")
		assert.Empty(t, r.Registrations())
	}
}
