package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

// setSecrets sets secret configuration values by their paths, as docs/app-contract.md says.
func setSecrets(t *testing.T, s enginetest.Stack, values map[string]string) {
	t.Helper()
	for path, value := range values {
		s.Succeeds(t, "config", "set", "--secret", "--path", path, value)
	}
}

// appInputs returns the inputs of an object in the app's namespace.
func appInputs(t *testing.T, s enginetest.Stack, token, name string) map[string]any {
	t.Helper()
	o, found, err := cloud.At(s.CloudFolder()).Get(token, "app/"+name)
	require.NoError(t, err)
	require.True(t, found, name)
	return o.Inputs
}

func TestAppSecretsAreInTheClusterAndInNoOutputOrState(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Edit(t, "    app:\n", "    app:\n      image: ghcr.io/acme/app:1.2.3\n")
	setSecrets(t, s, map[string]string{
		// Without --secret, Pulumi would read these as a number and a boolean.
		"platform:appEnv.STRIPE_KEY": "5110737", "platform:appEnv.FLAG": "true",
		"platform:registry.server": "ghcr.io", "platform:registry.username": "robot", "platform:registry.password": "canary-login",
	})
	shown := s.Up(t)
	const secret = "kubernetes:core/v1:Secret"
	assert.Equal(t, map[string]any{"STRIPE_KEY": "5110737", "FLAG": "true"}, appInputs(t, s, secret, "env")["stringData"])
	assert.Contains(t, appInputs(t, s, secret, "registry")["stringData"].(map[string]any)[".dockerconfigjson"], "canary-login")

	s.Succeeds(t, "preview", "--expect-no-changes")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	setSecrets(t, s, map[string]string{"platform:appEnv.STRIPE_KEY": "6220848"})
	shown += s.Succeeds(t, "preview", "--diff")
	update := s.Up(t)
	assert.Contains(t, update, "Secret env updated")
	assert.Contains(t, update, "Deployment app updated", "the Pods must restart")
	assert.NotContains(t, update, "replaced")

	state, err := os.ReadFile(filepath.Join(s.Folder, "state", ".pulumi", "stacks", "platform", "demo.json"))
	require.NoError(t, err)
	shown += update + string(state) + s.Succeeds(t, "stack", "output", "--json")
	for _, value := range []string{"5110737", "6220848", "canary-login"} {
		assert.NotContains(t, shown, value)
	}
}

func TestUpDeletesAppSecretsThatWereRemoved(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	setSecrets(t, s, map[string]string{"platform:appEnv.STRIPE_KEY": "5110737"})
	s.Up(t)
	s.Succeeds(t, "config", "rm", "--path", "platform:appEnv.STRIPE_KEY")
	out := s.Up(t)
	assert.Contains(t, out, "Secret env deleted")
	assert.Contains(t, out, "Deployment app updated")
}
