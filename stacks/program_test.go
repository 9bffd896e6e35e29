package stacks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/sandbox/golden"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

var stackNames = []string{"demo", "prod"}

// Tokens of the tests. They may appear only in secret inputs.
const (
	canaryDigitalOcean = "canary-digitalocean"
	canaryCloudflare   = "canary-cloudflare"
)

// stackConfig returns a real stack file's configuration as the engine would pass it, with the
// clouds' tokens in the environment.
func stackConfig(t *testing.T, stack string) map[string]string {
	t.Helper()
	setTokens(t)
	data, err := os.ReadFile(filepath.Join("..", "Pulumi."+stack+".yaml"))
	require.NoError(t, err)
	var file struct {
		Config map[string]any `yaml:"config"`
	}
	require.NoError(t, yaml.Unmarshal(data, &file))
	encoded, err := json.Marshal(file.Config[settings.Key])
	require.NoError(t, err)
	return map[string]string{settings.Key: string(encoded)}
}

func setTokens(t *testing.T) {
	t.Helper()
	t.Setenv("DIGITALOCEAN_TOKEN", "")
	t.Setenv("DIGITALOCEAN_ACCESS_TOKEN", canaryDigitalOcean)
	t.Setenv("CLOUDFLARE_API_TOKEN", canaryCloudflare)
}

// planOf returns the settings of a configuration and their plan.
func planOf(t *testing.T, cfg map[string]string) (settings.Settings, sizing.Plan) {
	t.Helper()
	s, err := settings.Load([]byte(cfg[settings.Key]))
	require.NoError(t, err)
	plan, err := sizing.Solve(s)
	require.NoError(t, err)
	return s, plan
}

// with returns the configuration with one setting changed, by its dotted path.
func with(t *testing.T, cfg map[string]string, path string, value any) map[string]string {
	t.Helper()
	var tree map[string]any
	require.NoError(t, json.Unmarshal([]byte(cfg[settings.Key]), &tree))
	at := tree
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		child, ok := at[key].(map[string]any)
		if !ok {
			child = map[string]any{}
			at[key] = child
		}
		at = child
	}
	at[keys[len(keys)-1]] = value
	encoded, err := json.Marshal(tree)
	require.NoError(t, err)
	out := map[string]string{}
	for k, v := range cfg {
		out[k] = v
	}
	out[settings.Key] = string(encoded)
	return out
}

func TestBothStacksHaveTheGraphAndTheBillOfTheirGoldenFiles(t *testing.T) {
	for _, stack := range stackNames {
		t.Run(stack, func(t *testing.T) {
			cfg := stackConfig(t, stack)
			r := &pulumitest.Recorder{}
			require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
			golden.Compare(t, stack+".graph.golden", pulumitest.Graph(r.Registrations()))
			_, plan := planOf(t, cfg)
			golden.Compare(t, stack+".bill.golden", plan.Bill.Table(plan.Budget))
		})
	}
}

func TestEveryComponentRegistersItsOutputsOnce(t *testing.T) {
	r := &pulumitest.Recorder{}
	// Without these checks, one of the components is not part of the stack.
	cfg := with(t, stackConfig(t, "prod"), "alerts.digitalocean", map[string]any{"email": "sre@genericcorp.com", "uptime": []any{"app"}})
	require.NoError(t, pulumitest.Run(r, "prod", cfg, Program))
	components := 0
	for _, g := range r.Registrations() {
		if !g.Custom {
			components++
		}
	}
	folders, err := filepath.Glob(filepath.Join("..", "components", "*", ""))
	require.NoError(t, err)
	packages := 0
	for _, folder := range folders {
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			packages++
		}
	}
	assert.Equal(t, packages+2, components, "one for each package, the confirmation, and the guard")
	assert.Equal(t, components+1, r.Outputs(), "each component and the stack, once")
}

func TestEveryResourceHasAnExplicitProvider(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "prod", stackConfig(t, "prod"), Program))
	resources := 0
	for _, g := range r.Registrations() {
		if g.Custom && !strings.HasPrefix(g.Type, "pulumi:providers:") {
			pkg, _, _ := strings.Cut(g.Type, ":")
			assert.Equal(t, pkg, g.Provider, "%s %s", g.Type, g.Name)
			resources++
		}
	}
	assert.Greater(t, resources, 50)
}

func TestDestroyDeletesAllOfDemoAndKeepsTheDataOfProd(t *testing.T) {
	for stack, protect := range map[string]bool{"demo": false, "prod": true} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, stackConfig(t, stack), Program))
		cluster, _ := r.Find("digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-"+stack)
		assert.Equal(t, protect, cluster.Protect)
		assert.Equal(t, !protect, cluster.Inputs["destroyAllAssociatedResources"])
		for _, token := range []string{
			"digitalocean:index/databaseCluster:DatabaseCluster", "digitalocean:index/databaseFirewall:DatabaseFirewall",
			"digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig", "digitalocean:index/databaseDb:DatabaseDb", "digitalocean:index/databaseUser:DatabaseUser", "digitalocean:index/vpc:Vpc",
		} {
			kept, ok := r.Find(token, "platform-"+stack)
			require.True(t, ok, token)
			assert.Equal(t, protect, kept.Retain, "%s of %s", token, stack)
			// The network is retained but not protected: a protected one could not be
			// removed from the state.
			assert.Equal(t, protect && !strings.HasSuffix(token, ":Vpc"), kept.Protect, "%s of %s", token, stack)
		}
	}
}

func TestEachTenantHasItsOwnHost(t *testing.T) {
	r := &pulumitest.Recorder{}
	cfg := with(t, stackConfig(t, "demo"), "tenants", []any{map[string]any{"name": "zeta"}, map[string]any{"name": "acme"}})
	require.NoError(t, pulumitest.Run(r, "demo", cfg, Program))
	route, _ := r.Find("kubernetes:networking.k8s.io/v1:Ingress", "route-tenants-starter")
	var hosts []any
	for _, rule := range pulumitest.Dig(route.Inputs, "spec.rules").([]any) {
		hosts = append(hosts, pulumitest.Dig(rule, "host"))
	}
	assert.Equal(t, []any{"acme.demo.genericcorp.com", "zeta.demo.genericcorp.com"}, hosts)
}

func TestDatabaseDependsOnTheClusterThatItAdmits(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "demo", stackConfig(t, "demo"), Program))
	p, ok := r.Find("platform:postgres:Postgres", "platform-demo")
	require.True(t, ok)
	assert.Contains(t, strings.Join(p.DependsOn, "\n"), "KubernetesCluster::platform-demo")
}

func TestKubernetesProviderUpdatesInPlaceAndAdoptsExistingObjects(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "prod", stackConfig(t, "prod"), Program))
	provider, ok := r.Find("pulumi:providers:kubernetes", "kubernetes")
	require.True(t, ok)
	for _, option := range []string{"enableSecretMutable", "enableConfigMapMutable", "upsertExistingObjects", "enableServerSideApply"} {
		assert.Contains(t, []any{true, "true"}, provider.Inputs[option], option)
	}
}

func TestComponentsInAnUnprotectedClusterAreDeletedWithIt(t *testing.T) {
	for stack, with := range map[string]string{"demo": "platform-demo", "prod": ""} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, stackConfig(t, stack), Program))
		for _, component := range []string{"ingress:Ingress", "certificates:Certificates", "monitoring:Monitoring", "tenants:Tenants", "app:App"} {
			g, ok := r.Find("platform:"+component, "platform-"+stack)
			require.True(t, ok, component)
			assert.Equal(t, with, g.DeletedWith, "%s of %s", component, stack)
		}
	}
}
