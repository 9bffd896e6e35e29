package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
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
	// The network and the cluster exist before the program runs.
	account := cloud.At(s.CloudFolder())
	require.NoError(t, account.Put("digitalocean:index/vpc:Vpc", "0b3d6a52-7a1e-4c55-9d0a-5f2c7b8e9a10", cloud.Object{Inputs: map[string]any{"name": "theirs"}}))
	require.NoError(t, account.Put(cloud.TokenCluster, "6e9d3c0a-0d2c-4b6f-8f5e-3a1c8e1b7d42", cloud.Object{Inputs: map[string]any{"name": "theirs"}}))
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
