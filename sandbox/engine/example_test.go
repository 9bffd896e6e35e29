package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/engine"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

// The example is another Go module: it compiles only if it can construct every Args.
func TestAProgramOfAnotherModuleUsesOneComponent(t *testing.T) {
	t.Parallel()
	checkout, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	program, err := build.Program(checkout, "examples/one-component", os.Stderr)
	require.NoError(t, err)
	of := tools
	of.Program = program
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(kubeconfig, []byte(`{"clusters":[{"cluster":{"server":"https://192.0.2.1"}}],"users":[{"user":{"token":"x"}}]}`), 0o600))
	s := enginetest.Stack{Stack: engine.Stack{
		Name: "dev", Root: filepath.Join(checkout, "examples", "one-component"), Folder: t.TempDir(), Tools: of,
		Env: []string{"KUBECONFIG=" + kubeconfig},
	}}
	require.NoError(t, s.Prepare())
	s.Up(t)
	declared := map[string]int{}
	for _, r := range resources(t, s) {
		declared[r["type"].(string)]++
	}
	for _, component := range []string{"platform:postgres:Postgres", "platform:certificates:Certificates", "platform:app:App"} {
		assert.Equal(t, 1, declared[component], component)
	}
	assert.Equal(t, 1, declared["digitalocean:index/databaseCluster:DatabaseCluster"])
	assert.Equal(t, "https://shop.genericcorp.com\n", s.Succeeds(t, "stack", "output", "url"))
	assert.NotContains(t, s.Succeeds(t, "stack", "export"), engine.CloudflareToken)
	s.Succeeds(t, "destroy", "--yes", "--skip-preview")
}
