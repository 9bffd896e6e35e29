package repository_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// The first `make up` compiles both the program and the engine on two cores: what
// they share is compiled once only if it is the same version.
func TestTheEngineIsBuiltFromTheProgramsVersions(t *testing.T) {
	program, engine := required(t, "../../go.mod"), required(t, "../../tools/pulumi/go.mod")
	shared := 0
	for path, version := range engine {
		if ours, ok := program[path]; ok {
			assert.Equal(t, ours, version, path)
			shared++
		}
	}
	assert.Greater(t, shared, 50, "the program and the engine share the Pulumi SDK and what it stands on")
}

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
