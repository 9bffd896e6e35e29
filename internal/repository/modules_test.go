package repository_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// The first `make up` compiles the program and the Pulumi engine. Go compiles a shared
// module only once if both require the same version.
func TestProgramAndEngineRequireTheSameModuleVersions(t *testing.T) {
	program, engine := required(t, "../../go.mod"), required(t, "../../tools/pulumi/go.mod")
	shared := 0
	for path, version := range engine {
		if ours, ok := program[path]; ok {
			assert.Equal(t, ours, version, path)
			shared++
		}
	}
	assert.Greater(t, shared, 50, "modules that both require; the Pulumi SDK has more dependencies than that")
}

// required returns the version of each module that a go.mod requires.
func required(t *testing.T, path string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	file, err := modfile.Parse(path, data, nil)
	require.NoError(t, err)
	out := map[string]string{}
	for _, r := range file.Require {
		out[r.Mod.Path] = r.Mod.Version
	}
	return out
}
