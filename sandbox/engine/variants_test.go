package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/sandbox/enginetest"
)

// The mocks of package stacks know neither encrypted configuration nor the checks of the
// providers. So the engine previews the two stack files of its tests.
func TestThePreviewOfAStackWithEveryOptionAndOfOneWithoutSucceeds(t *testing.T) {
	for name, shown := range map[string][]string{
		"everything": {`everything costs \$\d+\.\d\d a month of at most \$400\.00`, `digitalocean:index:UptimeCheck platform-everything-acme`, `kubernetes:apps/v1:Deployment app`},
		"opposite":   {`opposite costs \$0\.00 a month`, `kubernetes:apps/v1:Deployment app`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newVariant(t, name)
			out := s.Succeeds(t, "preview")
			for _, text := range shown {
				assert.Regexp(t, text, out)
			}
			assert.NotContains(t, out, "canary", "a secret")
			assert.NotContains(t, out, "warning")
			assert.Empty(t, cloudObjects(t, s), "a preview creates nothing")
		})
	}
}

// newVariant returns a stack of stacks/testdata with its secrets.
func newVariant(t *testing.T, name string) enginetest.Stack {
	t.Helper()
	testdata := filepath.Join("..", "..", "stacks", "testdata")
	root := t.TempDir()
	for from, to := range map[string]string{
		filepath.Join("..", "..", "Pulumi.yaml"):        "Pulumi.yaml",
		filepath.Join(testdata, "Pulumi."+name+".yaml"): "Pulumi." + name + ".yaml",
	} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, to), data, 0o600))
	}
	s := enginetest.New(t, root, name, tools)
	data, err := os.ReadFile(filepath.Join(testdata, "secrets.yaml"))
	require.NoError(t, err)
	var secrets map[string]map[string]string
	require.NoError(t, yaml.Unmarshal(data, &secrets))
	require.NotEmpty(t, secrets[name])
	for key, value := range secrets[name] {
		s.Succeeds(t, "config", "set", "--secret", key, value)
	}
	return s
}
