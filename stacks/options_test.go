package stacks

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// effects are where each option of the stack "everything" has its effect: the value at a path of a
// resource, by its type and name. A value in < > must be in the text at the path.
var effects = []struct {
	key, token, name, path string
	want                   any
}{
	{"region", "digitalocean:index/vpc:Vpc", "platform-everything", "region", "nyc3"},
	{"region", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "region", "nyc3"},
	{"region", "digitalocean:index/databaseCluster:DatabaseCluster", "platform-everything", "region", "nyc3"},
	{"cluster.ha", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "ha", true},
	{"cluster.version", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "version", "<1.35.>"},
	{"nodes.size", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "nodePool.size", "s-4vcpu-8gb"},
	{"nodes.count", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "nodePool.nodeCount", 3.0},
	{"network.vpc", "digitalocean:index/vpc:Vpc", "platform-everything", "ipRange", "10.30.0.0/20"},
	{"network.pods", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "clusterSubnet", "10.112.0.0/16"},
	{"network.pods", "digitalocean:index/databaseFirewall:DatabaseFirewall", "platform-everything", "rules", "<10.112.0.0/16>"},
	{"network.services", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "serviceSubnet", "10.113.0.0/19"},
	{"maintenance.day", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "maintenancePolicy.day", "monday"},
	{"maintenance.hour", "digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-everything", "maintenancePolicy.startTime", "05:00"},
	{"maintenance.day", "digitalocean:index/databaseCluster:DatabaseCluster", "platform-everything", "maintenanceWindows", "<monday>"},
	{"maintenance.hour", "digitalocean:index/databaseCluster:DatabaseCluster", "platform-everything", "maintenanceWindows", "<05:00>"},
	{"database.version", "digitalocean:index/databaseCluster:DatabaseCluster", "platform-everything", "version", "18"},
	{"database.size", "digitalocean:index/databaseCluster:DatabaseCluster", "platform-everything", "size", "db-s-1vcpu-2gb"},
	{"database.standby", "digitalocean:index/databaseCluster:DatabaseCluster", "platform-everything", "nodeCount", 2.0},
	{"alerts.digitalocean.email", "digitalocean:index/monitorAlert:MonitorAlert", "platform-everything-cpu", "alerts", "<ops@genericcorp.com>"},
	{"alerts.digitalocean.uptime", "digitalocean:index/uptimeCheck:UptimeCheck", "platform-everything-app", "target", "https://genericcorp.com/alive"},
	{"dns.proxied", "cloudflare:index/record:Record", "platform-everything-app", "proxied", true},
	{"dns.proxied", "cloudflare:index/record:Record", "platform-everything-grafana", "proxied", true},
	{"dns.proxied", "cloudflare:index/record:Record", "platform-everything-tenants", "proxied", true},
	{"certificates.issuer", "kubernetes:cert-manager.io/v1:Certificate", "platform-everything-wildcard", "spec.issuerRef.name", "letsencrypt-staging"},
	{"certificates.chart", releaseToken, "platform-everything-cert-manager", "repositoryOpts.repo", "https://mirror.genericcorp.com/charts"},
	{"ingress.hstsIncludeSubdomains", coreGroup + "ConfigMap", "traefik", "data.dynamic.yaml", "<stsIncludeSubdomains: true>"},
	{"monitoring.retentionDays", "kubernetes:apps/v1:Deployment", "victoria-metrics", "spec.template", "<-retentionPeriod=60d>"},
	{"monitoring.volumeGiB", coreGroup + "PersistentVolumeClaim", "victoria-metrics", "spec.resources.requests.storage", "12Gi"},
	{"monitoring.oauth", coreGroup + "Secret", "grafana-admin", "stringData.oauth-client-secret", "canary-oauth"},
	{"alerts.latencyMs", coreGroup + "ConfigMap", "vmalert", "data.rules.yaml", "<0.5>"},
	{"alerts.webhook", coreGroup + "ConfigMap", "vmalert", "data.alertmanager.yaml", "<slack_configs>"},
	{"alerts.email", coreGroup + "ConfigMap", "vmalert", "data.alertmanager.yaml", "<smtp.genericcorp.com:2525>"},
	{"alerts.quietHours", coreGroup + "ConfigMap", "vmalert", "data.alertmanager.yaml", "<22:00>"},
	{"app.image", "kubernetes:apps/v1:Deployment", "app", "spec.template", "<ghcr.io/acme/shop:2.3.4>"},
	{"app.replicas", "kubernetes:apps/v1:Deployment", "app", "spec.replicas", 3.0},
	{"app.cpu", "kubernetes:apps/v1:Deployment", "app", "spec.template", `<"cpu":"150m">`},
	{"app.memory", "kubernetes:apps/v1:Deployment", "app", "spec.template", `<"memory":"160Mi">`},
	{"app.port", "kubernetes:apps/v1:Deployment", "app", "spec.template", `<{"name":"PORT","value":"8081"}>`},
	{"app.env", "kubernetes:apps/v1:Deployment", "app", "spec.template", `<{"name":"GREETING","value":"hello"}>`},
	{"app.webAnalytics", "kubernetes:apps/v1:Deployment", "app", "spec.template", `<{"name":"WEB_ANALYTICS_TOKEN","value":"0123456789abcdef0123456789abcdef"}>`},
	{"archive.volumeGiB", coreGroup + "PersistentVolumeClaim", "reconcile", "spec.resources.requests.storage", "7Gi"},
	{"platform:appEnv", coreGroup + "Secret", "env", "stringData.STRIPE_KEY", "canary-app"},
	{"platform:registry", "kubernetes:apps/v1:Deployment", "app", "spec.template", `<"imagePullSecrets":[{"name":"registry"}]>`},
	{"platform:certManagerToken", coreGroup + "Secret", "platform-everything-cloudflare-api-token", "stringData.token", "canary-cert-manager"},
	{"tenants[].plan", "kubernetes:networking.k8s.io/v1:Ingress", "route-tenants-enterprise", "spec.rules", "<acme.genericcorp.com>"},
	{"tenants[].state", "kubernetes:networking.k8s.io/v1:Ingress", "route-tenants-suspended", "spec.rules", "<beta.genericcorp.com>"},
}

func TestEachOptionHasItsEffect(t *testing.T) {
	all := declaredVariant(t, everything)
	for _, e := range effects {
		i := slices.IndexFunc(all, func(g pulumitest.Registration) bool { return g.Type == e.token && g.Name == e.name })
		if !assert.GreaterOrEqual(t, i, 0, "%s: there is no %s %s", e.key, e.token, e.name) {
			continue
		}
		got := pulumitest.Dig(all[i].Inputs, e.path)
		if part, ok := e.want.(string); ok && strings.HasPrefix(part, "<") {
			text, isText := got.(string)
			if !isText {
				text = pulumitest.Text(got)
			}
			assert.Contains(t, text, part[1:len(part)-1], "%s: %s of %s %s", e.key, e.path, e.token, e.name)
			continue
		}
		assert.Equal(t, e.want, got, "%s: %s of %s %s", e.key, e.path, e.token, e.name)
	}
}

// unset are the keys that no stack file of the tests sets, with the reason.
var unset = map[string]string{
	"tenants.restore":         needsHistory,
	"tenants.fresh":           needsHistory,
	"tenants.confirmPurge":    needsHistory,
	"tenants.renamedFrom":     needsHistory,
	"tenants.redirectOldHost": needsHistory,
}

const needsHistory = "a first update refuses it; sandbox/engine/lifecycle_test.go and tenants_test.go have it"

func TestEveryKeyIsSetInAStackFileOfTheTests(t *testing.T) {
	set := map[string]bool{}
	for _, variant := range variants {
		path := filepath.Join("testdata", "Pulumi."+variant+".yaml")
		if slices.Contains(stackNames, variant) {
			path = filepath.Join("..", "Pulumi."+variant+".yaml")
		}
		var file struct {
			Config map[string]any `yaml:"config"`
		}
		readYAML(t, path, &file)
		setKeys(file.Config[settings.Key], "", set)
	}
	var secrets map[string]map[string]string
	readYAML(t, filepath.Join("testdata", "secrets.yaml"), &secrets)
	for _, of := range secrets {
		for key := range of {
			set[key] = true
		}
	}
	known := append(settings.SecretKeys(), knownKeys(reflect.TypeFor[settings.Settings](), "")...)
	assert.Greater(t, len(known), 60, "keys of the settings")
	for _, key := range known {
		_, excused := unset[key]
		assert.NotEqual(t, excused, set[key], "%s: set it in a stack file of stacks/testdata, or say in unset why that is impossible; delete an entry that is set", key)
	}
}

// setKeys adds the dotted keys of a value of YAML. Those of the entries of a list have no index.
func setKeys(value any, prefix string, set map[string]bool) {
	set[strings.TrimSuffix(prefix, ".")] = true
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			setKeys(child, prefix+key+".", set)
		}
	case []any:
		for _, child := range v {
			setKeys(child, prefix, set)
		}
	}
}

// knownKeys returns the dotted keys of the settings that have no keys of their own.
func knownKeys(of reflect.Type, prefix string) []string {
	var out []string
	for i := range of.NumField() {
		key, field := of.Field(i).Tag.Get("yaml"), of.Field(i).Type
		if key == "-" {
			continue
		}
		if field.Kind() == reflect.Slice {
			field = field.Elem()
		}
		if field.Kind() == reflect.Struct {
			out = append(out, knownKeys(field, prefix+key+".")...)
			continue
		}
		out = append(out, prefix+key)
	}
	return out
}

// With a default provider, a resource that lost its own would be written to the kubeconfig or the
// account that happens to be on the machine.
func TestEveryStackFileDisablesAllDefaultProviders(t *testing.T) {
	files := 0
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..") {
			return filepath.SkipDir
		}
		if match, _ := filepath.Match("Pulumi.*.yaml", entry.Name()); match {
			files++
			var file struct {
				Config map[string]any `yaml:"config"`
			}
			readYAML(t, path, &file)
			assert.Equal(t, []any{"*"}, file.Config["pulumi:disable-default-providers"], path)
		}
		return nil
	}))
	assert.GreaterOrEqual(t, files, 5, "stack files")
}

func TestNoResourceOfAnyStackHasADefaultProvider(t *testing.T) {
	for _, variant := range variants {
		providers := map[string]bool{}
		for _, g := range declaredVariant(t, variant) {
			if g.Custom && !strings.HasPrefix(g.Type, "pulumi:providers:") {
				pkg, _, _ := strings.Cut(g.Type, ":")
				assert.Equal(t, pkg, g.Provider, "%s: %s", variant, keyOf(g))
				providers[g.Provider] = true
			}
		}
		want := []string{"cloudflare", "digitalocean", "kubernetes", "random"}
		if variant == opposite {
			want = []string{"cloudflare", "kubernetes", "random"}
		}
		assert.Equal(t, want, slices.Sorted(maps.Keys(providers)), variant)
	}
}

func TestSecretsOfTheConfigurationAreSecretInEveryInput(t *testing.T) {
	for _, variant := range []string{everything, opposite} {
		holders := map[string]bool{}
		for _, g := range declaredVariant(t, variant) {
			eachText(g.Inputs, "", func(path, text string) {
				if strings.Contains(text, "canary") {
					holders[fmt.Sprintf("%s %s", g.Type, g.Name)] = true
					assert.True(t, underAny(path, g.Secrets), "%s: %s shows a secret at %s", variant, keyOf(g), path)
				}
			})
		}
		assert.GreaterOrEqual(t, len(holders), 4, "%s: resources with a secret of the configuration", variant)
	}
}
