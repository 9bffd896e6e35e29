package stacks

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/meter"
	"github.com/genericcorp/platform/internal/pulumitest"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

var stackNames = []string{"demo", "prod"}

// Credentials that may show nowhere in plain.
const (
	canaryDigitalOcean = "canary-digitalocean"
	canaryCloudflare   = "canary-cloudflare"
)

// config is a real stack file's configuration as the engine would pass it.
func config(t *testing.T, stack string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "Pulumi."+stack+".yaml"))
	require.NoError(t, err)
	var file struct {
		Config map[string]any `yaml:"config"`
	}
	require.NoError(t, yaml.Unmarshal(data, &file))
	encoded, err := json.Marshal(file.Config[settings.Key])
	require.NoError(t, err)
	return map[string]string{
		settings.Key: string(encoded), "digitalocean:token": canaryDigitalOcean, "cloudflare:apiToken": canaryCloudflare,
	}
}

// planOf is the plan of a real stack file.
func planOf(t *testing.T, cfg map[string]string) (settings.Settings, sizing.Plan) {
	t.Helper()
	s, err := settings.Load([]byte(cfg[settings.Key]))
	require.NoError(t, err)
	plan, err := sizing.Solve(s)
	require.NoError(t, err)
	return s, plan
}

// with changes one setting of a configuration, by its dotted path.
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

func TestBothStacksHaveTheGraphAndTheBillThatReviewersRead(t *testing.T) {
	for _, stack := range stackNames {
		t.Run(stack, func(t *testing.T) {
			cfg := config(t, stack)
			r := &pulumitest.Recorder{}
			require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
			pulumitest.Golden(t, stack+".graph.golden", pulumitest.Graph(r.Registrations()))
			_, plan := planOf(t, cfg)
			pulumitest.Golden(t, stack+".bill.golden", plan.Bill.Table(plan.Limit))
		})
	}
}

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

func TestEveryComponentRegistersItsOutputsOnce(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "prod", config(t, "prod"), Program))
	components := 0
	for _, g := range r.Registrations() {
		if !g.Custom {
			components++
		}
	}
	assert.Equal(t, 7, components)
	assert.Equal(t, components+1, r.Outputs(), "each component and the stack, once")
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

func TestPlanProgramAndMeterAgreeToTheCent(t *testing.T) {
	for _, stack := range stackNames {
		cfg := config(t, stack)
		s, plan := planOf(t, cfg)
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
		m := newMeter(plan, s)
		for _, g := range r.Registrations() {
			require.NoError(t, m.Register(meter.Resource{Type: g.Type, Inputs: g.Inputs}), g.Name)
		}
		assert.Equal(t, plan.Bill.Total(), m.Total(), stack)
	}
}

func TestEveryContainerRequestsWhatTheSizingCounted(t *testing.T) {
	for _, stack := range stackNames {
		cfg := config(t, stack)
		_, plan := planOf(t, cfg)
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
		var declared, counted []string
		for _, g := range r.Registrations() {
			containers, _ := pulumitest.Dig(g.Inputs, "spec.template.spec.containers").([]any)
			for _, c := range containers {
				declared = append(declared, fmt.Sprintf("%v/%v ×%v %v %v %v", pulumitest.Dig(g.Inputs, "metadata.namespace"),
					pulumitest.Dig(c, "name"), pulumitest.Dig(g.Inputs, "spec.replicas"), pulumitest.Dig(c, "resources.requests.cpu"),
					pulumitest.Dig(c, "resources.requests.memory"), pulumitest.Dig(c, "resources.limits.memory")))
			}
			if g.Type == "kubernetes:helm.sh/v3:Release" {
				for name, path := range map[string]string{
					"cert-manager": "values", "cert-manager-webhook": "values.webhook", "cert-manager-cainjector": "values.cainjector",
				} {
					part := pulumitest.Dig(g.Inputs, path)
					declared = append(declared, fmt.Sprintf("cert-manager/%s ×%v %v %v %v", name, pulumitest.Dig(part, "replicaCount"),
						pulumitest.Dig(part, "resources.requests.cpu"), pulumitest.Dig(part, "resources.requests.memory"),
						pulumitest.Dig(part, "resources.limits.memory")))
				}
			}
		}
		for w := range plan.Workload.All() {
			var replicas any = w.Replicas
			if w.Replicas == 0 {
				replicas = nil
			}
			counted = append(counted, fmt.Sprintf("%s/%s ×%v %s %s %s", w.Namespace, w.Name, replicas,
				w.Request.CPU(), w.Request.Memory(), w.Limit.Memory()))
		}
		assert.ElementsMatch(t, counted, declared)
	}
}

func TestCredentialsAreSecretWhereverTheyGo(t *testing.T) {
	for _, stack := range stackNames {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, config(t, stack), Program))
		for _, g := range r.Registrations() {
			eachText(g.Inputs, "", func(path, text string) {
				for _, canary := range []string{canaryDigitalOcean, canaryCloudflare, "AVNS_", "dop_v1_"} {
					if strings.Contains(text, canary) {
						assert.True(t, underAny(path, g.Secrets), "%s %s shows a credential at %s", g.Type, g.Name, path)
					}
				}
			})
		}
		admin, ok := r.Find("kubernetes:core/v1:Secret", "grafana-admin")
		require.True(t, ok)
		assert.True(t, underAny("stringData.password", admin.Secrets))
	}
}

func eachText(value any, path string, visit func(path, text string)) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			eachText(child, strings.TrimPrefix(path+"."+key, "."), visit)
		}
	case []any:
		for i, child := range v {
			eachText(child, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case string:
		visit(path, v)
	}
}

func underAny(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if path == prefix || strings.HasPrefix(path, prefix+".") || prefix == "" {
			return true
		}
	}
	return false
}

func TestEveryResourceHasAnExplicitProvider(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "prod", config(t, "prod"), Program))
	for _, g := range r.Registrations() {
		if g.Custom && !strings.HasPrefix(g.Type, "pulumi:providers:") {
			pkg, _, _ := strings.Cut(g.Type, ":")
			assert.Equal(t, pkg, g.Provider, "%s %s", g.Type, g.Name)
		}
	}
}

func TestDemoGoesAwayWholeAndProdKeepsItsData(t *testing.T) {
	for stack, protect := range map[string]bool{"demo": false, "prod": true} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, config(t, stack), Program))
		cluster, _ := r.Find("digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-"+stack)
		assert.Equal(t, protect, cluster.Protect)
		assert.Equal(t, !protect, cluster.Inputs["destroyAllAssociatedResources"])
		for _, token := range []string{
			"digitalocean:index/databaseCluster:DatabaseCluster", "digitalocean:index/databaseFirewall:DatabaseFirewall",
			"digitalocean:index/databaseDb:DatabaseDb", "digitalocean:index/databaseUser:DatabaseUser", "digitalocean:index/vpc:Vpc",
		} {
			kept, ok := r.Find(token, "platform-"+stack)
			require.True(t, ok, token)
			assert.Equal(t, protect, kept.Retain, "%s of %s", token, stack)
		}
		database, _ := r.Find("digitalocean:index/databaseCluster:DatabaseCluster", "platform-"+stack)
		assert.Equal(t, protect, database.Protect)
	}
}

func TestHAIsWrittenOutEvenWhenItIsNotWanted(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "prod", config(t, "prod"), Program))
	cluster, _ := r.Find("digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-prod")
	assert.Equal(t, false, cluster.Inputs["ha"])
}

func TestNothingEscapesTheBill(t *testing.T) {
	cfg := config(t, "demo")
	s, plan := planOf(t, cfg)
	for _, extra := range pulumitest.Extras() {
		t.Run(extra, func(t *testing.T) {
			r := &pulumitest.Recorder{}
			// The simulation may not know the type; what was registered counts.
			_ = pulumitest.Run(r, "demo", cfg, pulumitest.WithExtra(Program, extra))
			m, refused := newMeter(plan, s), ""
			for _, g := range r.Registrations() {
				if err := m.Register(meter.Resource{Type: g.Type, Inputs: g.Inputs}); err != nil {
					refused = err.Error()
				}
			}
			assert.Regexp(t, "is not on the bill|exceeds the line|has no price here", refused)
		})
	}
}

// existing is a stack on a cluster and a database that are there already.
func existing(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		settings.Key:           `{"domain":"app.example.com","zone":"example.com","email":"a@example.com","cluster":{"kind":"existing","context":"kind"},"database":{"kind":"external"}}`,
		"cloudflare:apiToken":  canaryCloudflare,
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
		require.NoError(t, m.Register(meter.Resource{Type: g.Type, Inputs: g.Inputs}))
		if g.Name != "database" && g.Name != "kubernetes" {
			assert.NotContains(t, pulumitest.Text(g.Inputs), "canary-password")
			assert.NotContains(t, pulumitest.Text(g.Inputs), "canary-kubeconfig")
		}
	}
	assert.Zero(t, m.Total())
	database, _ := r.Find("kubernetes:core/v1:Secret", "database")
	assert.Contains(t, pulumitest.Text(database.Inputs), "sslmode=verify-full", "whatever the string said")
	assert.Contains(t, database.Secrets, "stringData")
	policy, _ := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "app-allow-database")
	assert.Contains(t, pulumitest.Text(policy.Inputs), "6543")
	provider, _ := r.Find("pulumi:providers:kubernetes", "kubernetes")
	assert.Equal(t, []string{"kubeconfig"}, provider.Secrets)
	assert.Equal(t, "kind", provider.Inputs["context"])
}

func TestSecretsOfAnExistingStackAreCheckedAndNeverShown(t *testing.T) {
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

func TestTenantsHaveHostsOfTheirOwn(t *testing.T) {
	r := &pulumitest.Recorder{}
	cfg := with(t, config(t, "demo"), "tenants", []any{map[string]any{"name": "zeta"}, map[string]any{"name": "acme"}})
	require.NoError(t, pulumitest.Run(r, "demo", cfg, Program))
	route, _ := r.Find("kubernetes:networking.k8s.io/v1:Ingress", "route-app")
	var hosts []any
	for _, rule := range pulumitest.Dig(route.Inputs, "spec.rules").([]any) {
		hosts = append(hosts, pulumitest.Dig(rule, "host"))
	}
	assert.Equal(t, []any{"demo.genericcorp.com", "acme.demo.genericcorp.com", "zeta.demo.genericcorp.com"}, hosts)
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
