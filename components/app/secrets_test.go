package app_test

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

const secretToken = "kubernetes:core/v1:Secret"

// withSecrets returns arguments with two secret variables and a login for the registry.
func withSecrets() app.Args {
	a := args()
	a.SecretEnv = map[string]string{"STRIPE_KEY": "hunter4", "MAIL_KEY": "hunter5"}
	a.Registry = &app.Registry{Server: "ghcr.io", Username: "robot", Password: "hunter6"}
	return a
}

func TestSecretVariablesAndTheLoginAppearInSecretsOnly(t *testing.T) {
	a := withSecrets()
	a.Protect = true
	r := pulumitest.Component{
		Packages: []string{"kubernetes"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := app.New(ctx, "test", a, opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := app.New(ctx, "test", app.Args{Registry: a.Registry})
			return err
		},
		Faults: []string{"image:", "port:"},
		Type:   "platform:app:App", Custom: 20,
		Secrets: map[string]string{"database": "stringData", "tenants": "stringData", "env": "stringData", "registry": "stringData"},
	}.Check(t)
	secrets := 0
	for _, g := range r.Registrations() {
		switch {
		case g.Type != secretToken:
			assert.NotContains(t, pulumitest.Text(g.Inputs), "hunter", g.Name)
		case g.Name == "env" || g.Name == "registry":
			assert.False(t, g.Protect, "%s: an update deletes it with its last variable", g.Name)
			secrets++
		}
	}
	assert.Equal(t, 2, secrets, "Secrets that are not protected")
}

func TestSecretVariablesReachTheContainerByReference(t *testing.T) {
	r := declared(t, withSecrets())
	deployment, ok := r.Find(deploymentToken, "app")
	require.True(t, ok)
	env := pulumitest.Dig(pulumitest.Dig(deployment.Inputs, "spec.template.spec.containers").([]any)[0], "env").([]any)
	require.Len(t, env, 8)
	for i, variable := range []string{"MAIL_KEY", "STRIPE_KEY"} {
		assert.Equal(t, map[string]any{
			"name":      variable,
			"valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "env", "key": variable}},
		}, env[6+i])
	}
	secret, ok := r.Find(secretToken, "env")
	require.True(t, ok)
	assert.Equal(t, map[string]any{"STRIPE_KEY": "hunter4", "MAIL_KEY": "hunter5"}, secret.Inputs["stringData"])
}

func TestPodsPullTheImageWithTheLoginOfTheRegistry(t *testing.T) {
	for server, key := range map[string]string{"ghcr.io": "ghcr.io", settings.DockerHub: "https://index.docker.io/v1/"} {
		a := withSecrets()
		a.Registry.Server = server
		r := declared(t, a)
		deployment, _ := r.Find(deploymentToken, "app")
		assert.Equal(t, []any{map[string]any{"name": "registry"}}, pulumitest.Dig(deployment.Inputs, "spec.template.spec.imagePullSecrets"))
		secret, ok := r.Find(secretToken, "registry")
		require.True(t, ok)
		assert.Equal(t, "kubernetes.io/dockerconfigjson", secret.Inputs["type"])
		var config struct{ Auths map[string]map[string]string }
		require.NoError(t, json.Unmarshal([]byte(secret.Inputs["stringData"].(map[string]any)[".dockerconfigjson"].(string)), &config))
		assert.Equal(t, map[string]map[string]string{
			key: {"username": "robot", "password": "hunter6", "auth": "cm9ib3Q6aHVudGVyNg=="},
		}, config.Auths)
	}
}

func TestChecksumOfSecretVariablesChangesWithAVariableOrTheConnectionString(t *testing.T) {
	sum := func(change func(*app.Args)) any {
		a := withSecrets()
		change(&a)
		deployment, ok := declared(t, a).Find(deploymentToken, "app")
		require.True(t, ok)
		return pulumitest.Dig(deployment.Inputs, "spec.template.metadata.annotations.checksum/secrets")
	}
	same := sum(func(*app.Args) {})
	require.NotNil(t, same)
	assert.Equal(t, same, sum(func(*app.Args) {}))
	assert.Equal(t, same, sum(func(a *app.Args) { a.Registry = nil }), "a running Pod needs no login")
	for name, change := range map[string]func(*app.Args){
		"value":             func(a *app.Args) { a.SecretEnv["STRIPE_KEY"] = "hunter7" },
		"name":              func(a *app.Args) { a.SecretEnv["OTHER"] = "hunter4" },
		"connection string": func(a *app.Args) { a.DatabaseURL = pulumi.String("postgresql://app:hunter8@db/app") },
	} {
		assert.NotEqual(t, same, sum(change), name)
	}
	assert.Nil(t, sum(func(a *app.Args) { a.SecretEnv = nil }), "without secret variables there is no checksum")
}
