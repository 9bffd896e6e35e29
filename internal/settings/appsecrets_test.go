package settings_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// loadSecrets reads the texts of platform:appEnv and platform:registry. An empty text means
// that the key is not set.
func loadSecrets(image, env, registry string) (settings.AppSecrets, error) {
	a := settings.App{Image: image, Env: map[string]string{"PLAIN": "1"}}
	return a.LoadSecrets(func(key string) (string, bool) {
		text := map[string]string{settings.AppEnvKey: env, settings.RegistryKey: registry}[key]
		return text, text != ""
	})
}

const (
	privateImage = "ghcr.io/acme/app:1.2.3"
	login        = `{"server":"ghcr.io","username":"robot","password":"canary"}`
)

func TestLoadSecretsReturnsVariablesAndLogin(t *testing.T) {
	got, err := loadSecrets(privateImage, `{"STRIPE_KEY":"canary","_X1":" "}`, login)
	require.NoError(t, err)
	assert.Equal(t, settings.AppSecrets{
		Env:      map[string]string{"STRIPE_KEY": "canary", "_X1": " "},
		Registry: &settings.Registry{Server: "ghcr.io", Username: "robot", Password: "canary"},
	}, got)
}

func TestLoadSecretsIsEmptyWhenNothingIsConfigured(t *testing.T) {
	for _, text := range []string{"", "{}"} {
		got, err := loadSecrets(privateImage, text, text)
		require.NoError(t, err, text)
		assert.Equal(t, settings.AppSecrets{}, got, text)
	}
}

func TestLoadSecretsFindsTheServerOfAnyImage(t *testing.T) {
	for image, server := range map[string]string{
		"acme/app:1":                          "docker.io",
		"app:1":                               "docker.io",
		"docker.io/acme/app:1":                "docker.io",
		"index.docker.io/acme/app:1":          "docker.io",
		"localhost/app:1":                     "localhost",
		"registry.example.com:5000/acme/a:1":  "registry.example.com:5000",
		"registry.digitalocean.com/acme/a:v1": "registry.digitalocean.com",
	} {
		_, err := loadSecrets(image, "", strings.Replace(login, "ghcr.io", server, 1))
		require.NoError(t, err, image)
	}
}

func TestLoadSecretsReportsEveryFaultWithoutAnyValue(t *testing.T) {
	for name, c := range map[string]struct {
		env, registry string
		want          []string
	}{
		"text for a map": {`canary`, `"canary"`, []string{"platform:appEnv: has to be a map", "platform:registry: has to be a map"}},
		"a list":         {`["canary"]`, "", []string{"platform:appEnv: has to be a map"}},
		"nothing":        {"null", "", []string{"platform:appEnv: has to be a map"}},
		"a number":       {`{"A":7777}`, "", []string{"platform:appEnv.A: has to be text; run: pulumi config set --secret --path 'platform:appEnv.A'"}},
		"a map inside":   {`{"A":{"b":"canary"}}`, "", []string{"platform:appEnv.A: has to be text"}},
		"empty":          {`{"A":""}`, "", []string{"platform:appEnv.A: is empty; run: pulumi config set"}},
		"wrong names": {`{"1A":"canary","A-B":"canary"}`, "", []string{
			"platform:appEnv.1A: is not a name for an environment variable", "platform:appEnv.A-B: is not a name",
		}},
		"the platform's names": {`{"DATABASE_URL":"canary","PORT":"canary"}`, "", []string{
			"platform:appEnv.DATABASE_URL: is a variable that the platform sets", "platform:appEnv.PORT: is a variable",
		}},
		"plain and secret": {`{"PLAIN":"canary"}`, "", []string{"platform:appEnv.PLAIN: is in settings.app.env too"}},
		"a zero byte":      {`{"A":"canary\u0000"}`, "", []string{"platform:appEnv.A: has a zero byte"}},
		"too long":         {`{"A":"` + strings.Repeat("canary", 30_000) + `"}`, "", []string{"platform:appEnv.A: has 180003 bytes with its name"}},
		"a long name":      {`{"A` + strings.Repeat("b", 253) + `":"canary"}`, "", []string{"has a name longer than 253 characters"}},
		"missing keys":     {"", `{"server":"ghcr.io"}`, []string{"platform:registry.username: is missing", "platform:registry.password: is missing"}},
		"all wrong": {"", `{"server":"","token":"canary","username":1}`, []string{
			"platform:registry.server: is empty", "platform:registry.token: is not a key here; the keys are server, username, password",
			"platform:registry.username: has to be text", "platform:registry.password: is missing",
		}},
		"a scheme":           {"", strings.Replace(login, "ghcr.io", "https://ghcr.io", 1), []string{"platform:registry.server: has to be a host without a scheme"}},
		"a path":             {"", strings.Replace(login, "ghcr.io", "ghcr.io/acme", 1), []string{"platform:registry.server: has to be a host"}},
		"a secret as server": {"", strings.Replace(login, "ghcr.io", "canary_X", 1), []string{"platform:registry.server: has to be a host"}},
		"another server": {"", strings.Replace(login, "ghcr.io", "quay.io", 1), []string{
			`platform:registry.server: is not where settings.app.image comes from: "ghcr.io/acme/app:1.2.3" comes from ghcr.io`,
		}},
		"a colon": {"", strings.Replace(login, "robot", "canary:robot", 1), []string{"platform:registry.username: has a colon"}},
		"both keys": {`{"PORT":"canary"}`, `{"server":"ghcr.io","username":"canary"}`, []string{
			"platform:appEnv.PORT:", "platform:registry.password: is missing",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := loadSecrets(privateImage, c.env, c.registry)
			var faults settings.Faults
			require.ErrorAs(t, err, &faults)
			assert.Len(t, faults, len(c.want))
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "canary")
			assert.NotContains(t, err.Error(), "7777")
			assert.Equal(t, settings.AppSecrets{}, got)
		})
	}
}

func TestLoadSecretsRefusesMoreThanAKubernetesSecretCanHave(t *testing.T) {
	var env []string
	for _, name := range strings.Split("ABCDEFGHIJ", "") {
		env = append(env, `"`+name+`":"`+strings.Repeat("x", 120_000)+`"`)
	}
	_, err := loadSecrets(privateImage, "{"+strings.Join(env, ",")+"}", "")
	assert.EqualError(t, err, "the stack's settings have 1 fault:\n"+
		"  platform:appEnv: has values of 1200000 bytes together; a Kubernetes Secret can have at most 1048576 (1 MiB)")
}
