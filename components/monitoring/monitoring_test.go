package monitoring_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/components/monitoring"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() monitoring.Args {
	set := workload.For(settings.Settings{Monitoring: settings.Monitoring{VolumeGiB: 5}})
	return monitoring.Args{
		Host: "grafana.demo.example.com", Domain: "demo.example.com", RetentionDays: 30, StorageClass: "do-block-storage", PlannedNodes: 2,
		VictoriaMetrics: set.VictoriaMetrics.Pods, Grafana: set.Grafana.Pods, KubeStateMetrics: set.KubeStateMetrics.Pods, NodeExporter: set.NodeExporter.Pods,
		VMAlert: set.VMAlert.Pods, Alerts: monitoring.Alerts{
			AvailabilityPercent: 99.5, LatencyMillis: 1000,
			Webhook: "slack", WebhookURL: pulumi.String("https://hooks.example.com/canary"), HeartbeatURL: pulumi.String("https://beats.example.com/canary"),
			Email:         monitoring.AlertEmail{To: "sre@genericcorp.com", From: "alerts@genericcorp.com", Server: "smtp.genericcorp.com:2525", Port: 2525},
			EmailPassword: pulumi.String("canary"),
		},
		Costs: monitoring.Costs{
			Bill:       []monitoring.BillLine{{Item: "nodes", UnitCents: 2400, Quantity: 2}, {Item: "volumes (GiB)", UnitCents: 10, Quantity: 5}, {Item: "load balancer", UnitCents: 1200, Quantity: 1}},
			LimitCents: 8000, MoreTenants: 7, StepCents: 1530,
		},
		IngressNamespace: pulumi.String("ingress"),
	}
}

func declare(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	_, err := monitoring.New(ctx, "test", args(), opts...)
	return err
}

func check(t *testing.T) *pulumitest.Recorder {
	t.Helper()
	return pulumitest.Component{
		Packages: []string{"kubernetes", "random"},
		Good:     declare,
		Bad: func(ctx *pulumi.Context) error {
			_, err := monitoring.New(ctx, "test", monitoring.Args{Alerts: monitoring.Alerts{Webhook: "json", Email: monitoring.AlertEmail{To: "sre@genericcorp.com"}}, OAuth: monitoring.OAuth{ClientID: "grafana"}})
			return err
		},
		Faults: []string{"host:", "domain:", "retentionDays:", "victoriaMetrics:", "ingressNamespace:",
			"alerts.availabilityPercent:", "alerts.latencyMillis:", "alerts.webhookURL:", "alerts.emailPassword:",
			"oauth.secret:", "oauth.authURL:", "oauth.tokenURL:", "oauth.apiURL:", "oauth.domain:"},
		Type: "platform:monitoring:Monitoring", Custom: 36,
		Secrets: map[string]string{"grafana-admin": "stringData", "vmalert": "stringData"},
	}.Check(t)
}

func TestMonitoring(t *testing.T) {
	r := check(t)
	claim, ok := r.Find("kubernetes:core/v1:PersistentVolumeClaim", "victoria-metrics")
	require.True(t, ok)
	assert.Equal(t, "do-block-storage", pulumitest.Dig(claim.Inputs, "spec.storageClassName"))
	grafana, _ := r.Find("kubernetes:apps/v1:Deployment", "grafana")
	checksum, _ := pulumitest.Dig(grafana.Inputs, "spec.template.metadata.annotations.checksum/password").(string)
	assert.Len(t, checksum, 16, "a new password must replace the Pod")
	data, err := json.Marshal(grafana.Inputs)
	require.NoError(t, err)
	assert.NotContains(t, string(data), `"name":"GF_SECURITY_ADMIN_PASSWORD"`, "a variable would show the password")
	assert.Contains(t, string(data), "GF_SECURITY_ADMIN_PASSWORD__FILE")
	assert.Contains(t, string(data), `"name":"GF_USERS_ALLOW_SIGN_UP","value":"false"`, "Grafana is open to the Internet")
	assert.Contains(t, string(data), `"name":"GF_AUTH_ANONYMOUS_ENABLED","value":"false"`)
	assert.Contains(t, string(data), `"value":"/etc/platform/dashboards/overview.json"`)
	plugins := regexp.MustCompile(`"name":"GF_PLUGINS_DISABLE_PLUGINS","value":"([^"]*)"`).FindStringSubmatch(string(data))
	require.Len(t, plugins, 2)
	assert.NotContains(t, strings.Split(plugins[1], ","), "prometheus", "the data source")
	assert.NotContains(t, string(data), "GF_AUTH_GENERIC_OAUTH")
	store, _ := r.Find("kubernetes:apps/v1:Deployment", "victoria-metrics")
	assert.Contains(t, pulumitest.Dig(store.Containers()[0], "args"), "-retentionPeriod=30d", "a number without a unit is months")
}

func TestPeopleSignInToGrafanaWithOAuth(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		a := args()
		a.OAuth = monitoring.OAuth{
			ClientID: "grafana", AuthURL: "https://id.genericcorp.com/auth", TokenURL: "https://id.genericcorp.com/token", APIURL: "https://id.genericcorp.com/user",
			Domain: "genericcorp.com", Secret: pulumi.String("oauth-canary"),
		}
		_, err := monitoring.New(ctx, "test", a)
		return err
	}))
	grafana, _ := r.Find("kubernetes:apps/v1:Deployment", "grafana")
	text, err := json.Marshal(grafana.Inputs)
	require.NoError(t, err)
	for name, value := range map[string]string{
		"ENABLED": "true", "CLIENT_ID": "grafana", "CLIENT_SECRET__FILE": "/etc/grafana-admin/oauth-client-secret", "ALLOWED_DOMAINS": "genericcorp.com", "USE_PKCE": "true",
	} {
		assert.Contains(t, string(text), fmt.Sprintf(`"name":"GF_AUTH_GENERIC_OAUTH_%s","value":%q`, name, value))
	}
	assert.Contains(t, string(text), `"name":"GF_USERS_AUTO_ASSIGN_ORG_ROLE","value":"Viewer"`)
	visited := 0
	for _, g := range r.Registrations() {
		text, err := json.Marshal(g.Inputs)
		require.NoError(t, err)
		if g.Name != "grafana-admin" {
			visited++
			assert.NotContains(t, string(text), "oauth-canary", "%s: only the Secret may have it", g.Name)
		}
	}
	assert.Greater(t, visited, 20)
	policy, _ := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "monitoring-allow-grafana")
	text, err = json.Marshal(pulumitest.Dig(policy.Inputs, "spec.egress"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "443", "Grafana asks the provider who signs in")
}

func configMap(t *testing.T, name, key string) string {
	t.Helper()
	g, ok := recorded(t).Find("kubernetes:core/v1:ConfigMap", name)
	require.True(t, ok)
	return g.Inputs["data"].(map[string]any)[key].(string)
}

func recorded(t *testing.T) *pulumitest.Recorder {
	t.Helper()
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error { return declare(ctx) }))
	return r
}

func TestScrapeConfigNamesEveryNamespaceWithPodsThatStay(t *testing.T) {
	var config struct {
		Jobs []map[string]any `yaml:"scrape_configs"`
	}
	text := configMap(t, "victoria-metrics", "scrape.yaml")
	require.NoError(t, yaml.Unmarshal([]byte(text), &config))
	require.Len(t, config.Jobs, 2)
	assert.Equal(t, true, config.Jobs[0]["honor_labels"], "otherwise all series of kube-state-metrics have its own namespace and Pod")
	rule := config.Jobs[0]["metric_relabel_configs"].([]any)[0]
	assert.Equal(t, map[string]any{"source_labels": []any{"router"}, "regex": routes.TenantRouters("demo.example.com"), "target_label": "tenant"}, rule)
	_, list, _ := strings.Cut(text, "names: [")
	list, _, _ = strings.Cut(list, "]")
	visited := 0
	for w := range workload.For(settings.Settings{}).All() {
		// Jobs end before they are scraped.
		if w.Namespace != workload.TenantsNamespace {
			assert.Contains(t, strings.Split(list, ", "), w.Namespace)
			visited++
		}
	}
	assert.GreaterOrEqual(t, visited, 10, "workloads")
}

func TestProvisioningFilesAreYAMLWithTheirAPIVersion(t *testing.T) {
	for _, key := range []string{"datasource.yaml", "dashboards.yaml"} {
		var file map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(configMap(t, "grafana", key)), &file))
		assert.Equal(t, 1, file["apiVersion"])
	}
}
