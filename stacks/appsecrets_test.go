package stacks

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// withAppSecrets returns a stack's configuration with secrets of the app. They are decrypted
// JSON, as the engine passes them.
func withAppSecrets(t *testing.T, stack string) map[string]string {
	t.Helper()
	cfg := with(t, stackConfig(t, stack), "app.image", "ghcr.io/acme/app:1.2.3")
	cfg = plus(cfg, settings.AppEnvKey, `{"STRIPE_KEY":"canary-app"}`)
	return plus(cfg, settings.RegistryKey, `{"server":"ghcr.io","username":"robot","password":"canary-app"}`)
}

func TestAppSecretsAreSecretInEveryResourceThatHasThem(t *testing.T) {
	for _, stack := range stackNames {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, withAppSecrets(t, stack), Program))
		var holders []string
		for _, g := range r.Registrations() {
			eachText(g.Inputs, "", func(path, text string) {
				if strings.Contains(text, "canary-app") {
					assert.True(t, underAny(path, g.Secrets), "%s %s shows a secret of the app at %s", g.Type, g.Name, path)
					holders = append(holders, g.Type+" "+g.Name)
				}
			})
		}
		assert.Equal(t, []string{"kubernetes:core/v1:Secret env", "kubernetes:core/v1:Secret registry"}, holders)
	}
}

func TestFaultyAppSecretsRegisterNothingAndShowNoValue(t *testing.T) {
	cfg := plus(withAppSecrets(t, "demo"), settings.AppEnvKey, `{"PORT":"canary-app","B-C":"canary-app","D":[1]}`)
	cfg = plus(cfg, settings.RegistryKey, `{"server":"https://quay.io","username":"canary-app"}`)
	r := &pulumitest.Recorder{}
	err := pulumitest.Run(r, "demo", cfg, Program)
	for _, path := range []string{
		"platform:appEnv.PORT", "platform:appEnv.B-C", "platform:appEnv.D", "platform:registry.server", "platform:registry.password",
	} {
		require.ErrorContains(t, err, path)
	}
	assert.NotContains(t, err.Error(), "canary-app")
	assert.Empty(t, r.Registrations())
}

func TestTheTokenOfWebAnalyticsReachesTheAppOnlyIfItIsSet(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	for want, cfg := range map[string]map[string]string{
		"": stackConfig(t, "demo"), token: with(t, stackConfig(t, "demo"), "app.webAnalytics", token),
	} {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, "demo", cfg, Program))
		deployment, ok := r.Find("kubernetes:apps/v1:Deployment", "app")
		require.True(t, ok)
		container := pulumitest.Dig(deployment.Inputs, "spec.template.spec.containers").([]any)[0]
		values := map[string]any{}
		for _, variable := range pulumitest.Dig(container, "env").([]any) {
			values[pulumitest.Dig(variable, "name").(string)] = pulumitest.Dig(variable, "value")
		}
		assert.Equal(t, "acme", values["DEMO_TENANT"], "the stack file's own variables stay")
		if want == "" {
			assert.NotContains(t, values, "WEB_ANALYTICS_TOKEN")
			continue
		}
		assert.Equal(t, want, values["WEB_ANALYTICS_TOKEN"])
	}
}
