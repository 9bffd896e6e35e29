package stacks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestEveryCredentialInPlainTextIsReported(t *testing.T) {
	cfg := existing(t)
	keys := []string{
		"platform:kubeconfig", "platform:databaseUrl", "platform:databaseAdminUrl",
		"platform:certManagerToken", "platform:appEnv", "platform:registry",
		"platform:alertWebhookUrl", "platform:alertSmtpPassword", "platform:alertHeartbeatUrl", "platform:grafanaOauthSecret",
	}
	cfg["platform:databaseAdminUrl"] = "postgresql://admin:canary-admin@db.example.com:6543/app"
	cfg["platform:certManagerToken"] = "canary-token"
	cfg["platform:alertWebhookUrl"], cfg["platform:alertHeartbeatUrl"] = "https://hooks.example.com/canary", "https://beats.example.com/canary"
	cfg["platform:alertSmtpPassword"], cfg["platform:grafanaOauthSecret"] = "canary-password", "canary-oauth"
	cfg["platform:appEnv"] = `{"A":"canary-app"}`
	cfg["platform:registry"] = `{"server":"ghcr.io","username":"canary-user","password":"canary-app"}`
	for _, faulty := range []bool{false, true} { // with faults in the settings too
		c := cfg
		if faulty {
			c = with(t, cfg, "domain", "https://app")
		}
		r := &pulumitest.Recorder{Plain: keys}
		err := pulumitest.Run(r, "self", c, Program)
		for _, key := range keys {
			assert.ErrorContains(t, err, key+": is in the stack file in plain text", "faulty=%t", faulty)
		}
		assert.NotContains(t, err.Error(), "canary")
		assert.Empty(t, r.Registrations())
	}
}

func TestAClusterAloneNeedsTheDigitalOceanToken(t *testing.T) {
	cfg := with(t, stackConfig(t, "demo"), "database", map[string]any{"kind": "external"})
	t.Setenv("DIGITALOCEAN_ACCESS_TOKEN", "")
	r := &pulumitest.Recorder{}
	require.ErrorContains(t, pulumitest.Run(r, "demo", cfg, Program), "DIGITALOCEAN_ACCESS_TOKEN: is not set")
}
