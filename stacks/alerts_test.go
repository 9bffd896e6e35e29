package stacks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestAlertsNeedTheSecretsOfTheirReceivers(t *testing.T) {
	told := with(t, stackConfig(t, "demo"), "alerts", map[string]any{
		"webhook": "slack", "email": map[string]any{"to": "sre@genericcorp.com", "from": "a@genericcorp.com", "server": "smtp.genericcorp.com:2525"},
	})
	err := pulumitest.Run(&pulumitest.Recorder{}, "demo", told, Program)
	require.ErrorContains(t, err, "platform:alertWebhookUrl: is missing (the https:// address to which alerts are sent); run: pulumi config set --secret platform:alertWebhookUrl")
	require.ErrorContains(t, err, "platform:alertSmtpPassword: is missing")
	told["platform:alertWebhookUrl"], told["platform:alertHeartbeatUrl"] = "http://canary.example.com", "https://canary.example.com:8443/x"
	told["platform:alertSmtpPassword"] = "canary-password"
	err = pulumitest.Run(&pulumitest.Recorder{}, "demo", told, Program)
	require.ErrorContains(t, err, "platform:alertWebhookUrl: is not an https:// address with the port 443")
	require.ErrorContains(t, err, "platform:alertHeartbeatUrl: is not an https:// address with the port 443")
	assert.NotContains(t, err.Error(), "canary")

	told["platform:alertWebhookUrl"], told["platform:alertHeartbeatUrl"] = "https://hooks.example.com/canary", "https://beats.example.com/canary"
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "demo", told, Program))
	secret, ok := r.Find("kubernetes:core/v1:Secret", "vmalert")
	require.True(t, ok)
	assert.Equal(t, map[string]any{
		"webhook-url": "https://hooks.example.com/canary", "smtp-password": "canary-password", "heartbeat-url": "https://beats.example.com/canary",
	}, secret.Inputs["stringData"])
	policy, ok := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "monitoring-allow-vmalert")
	require.True(t, ok)
	for _, port := range []string{`"port":443`, `"port":2525`, `"port":8428`} {
		assert.Contains(t, pulumitest.Text(policy.Inputs), port)
	}
}

func TestASecretOfAlertsWithoutItsSettingIsAFault(t *testing.T) {
	cfg := stackConfig(t, "demo")
	cfg["platform:alertWebhookUrl"], cfg["platform:alertSmtpPassword"] = "https://hooks.example.com/canary", "canary"
	r := &pulumitest.Recorder{}
	err := pulumitest.Run(r, "demo", cfg, Program)
	require.ErrorContains(t, err, "platform:alertWebhookUrl: is set, but settings.alerts.webhook is not")
	require.ErrorContains(t, err, "platform:alertSmtpPassword: is set, but settings.alerts.email is not")
	assert.Empty(t, r.Registrations())
}

func TestAStackWithoutAReceiverConnectsToNothingOutside(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "demo", stackConfig(t, "demo"), Program))
	policy, ok := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "monitoring-allow-vmalert")
	require.True(t, ok)
	assert.NotContains(t, pulumitest.Text(policy.Inputs), `"port":443`)
}

func TestDigitalOceanWatchesHostsAndDatabaseForItsPriceOnTheBill(t *testing.T) {
	cfg := with(t, stackConfig(t, "demo"), "alerts.digitalocean", map[string]any{
		"email": "sre@genericcorp.com", "uptime": []any{"app", "grafana", "acme"}, "database": true,
	})
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "demo", cfg, Program))
	for name, target := range map[string]string{
		"app": "https://demo.genericcorp.com/healthz", "grafana": "https://grafana.demo.genericcorp.com/api/health", "acme": "https://acme.demo.genericcorp.com/healthz",
	} {
		check, ok := r.Find("digitalocean:index/uptimeCheck:UptimeCheck", "platform-demo-"+name)
		require.True(t, ok, name)
		assert.Equal(t, target, check.Inputs["target"])
	}
	checks, ok := r.Find("platform:uptime:Checks", "platform-demo")
	require.True(t, ok)
	for _, needed := range []string{"kubernetes:apps/v1:Deployment::app", "cloudflare:index/record:Record::platform-demo-tenants", "Certificate::"} {
		assert.Contains(t, strings.Join(checks.DependsOn, "\n"), needed, "before that, a host does not answer, and an alert would be sent")
	}
	_, ok = r.Find("digitalocean:index/monitorAlert:MonitorAlert", "platform-demo-disk")
	assert.True(t, ok)

	s, plan := planOf(t, cfg)
	_, without := planOf(t, stackConfig(t, "demo"))
	assert.Equal(t, 3*catalog.UptimeCheck.Unit, plan.Bill.Total()-without.Bill.Total())
	m := newMeter(plan, s)
	for _, g := range r.Registrations() {
		require.NoError(t, m.Register(metered(g)), g.Name)
	}
	assert.Equal(t, plan.Bill.Total(), m.Total())
}

func TestOAuthNeedsItsSecretAndKeepsItInTheSecretOfGrafana(t *testing.T) {
	signedIn := with(t, stackConfig(t, "demo"), "monitoring", map[string]any{"oauth": map[string]any{
		"clientId": "grafana", "authUrl": "https://id.genericcorp.com/auth", "tokenUrl": "https://id.genericcorp.com/token", "apiUrl": "https://id.genericcorp.com/user",
		"allowedDomain": "genericcorp.com",
	}})
	err := pulumitest.Run(&pulumitest.Recorder{}, "demo", signedIn, Program)
	require.ErrorContains(t, err, "platform:grafanaOauthSecret: is missing")
	signedIn["platform:grafanaOauthSecret"] = "canary"
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "demo", signedIn, Program))
	secret, ok := r.Find("kubernetes:core/v1:Secret", "grafana-admin")
	require.True(t, ok)
	assert.Equal(t, "canary", pulumitest.Dig(secret.Inputs, "stringData.oauth-client-secret"))
	config, ok := r.Find("kubernetes:core/v1:ConfigMap", "grafana")
	require.True(t, ok)
	assert.NotContains(t, pulumitest.Text(config.Inputs), "canary")

	cfg := stackConfig(t, "demo")
	cfg["platform:grafanaOauthSecret"] = "canary"
	require.ErrorContains(t, pulumitest.Run(&pulumitest.Recorder{}, "demo", cfg, Program), "platform:grafanaOauthSecret: is set, but settings.monitoring.oauth is not")
}
