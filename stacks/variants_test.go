package stacks

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// everything and opposite are the stacks of testdata. They set what neither real stack file
// sets.
const (
	everything = "everything"
	opposite   = "opposite"
)

// variants are the names of all stacks that the tests of all resources declare.
var variants = append(slices.Clone(stackNames), everything, opposite)

// variantConfig returns the configuration of a variant, with its secrets. The process has it in
// its environment too, as the engine passes it.
func variantConfig(t *testing.T, variant string) map[string]string {
	t.Helper()
	cfg := map[string]string{}
	if slices.Contains(stackNames, variant) {
		cfg = stackConfig(t, variant)
	} else {
		setTokens(t)
		var file struct {
			Config map[string]any `yaml:"config"`
		}
		readYAML(t, filepath.Join("testdata", "Pulumi."+variant+".yaml"), &file)
		text, err := json.Marshal(file.Config[settings.Key])
		require.NoError(t, err)
		cfg[settings.Key] = string(text)
		var secrets map[string]map[string]string
		readYAML(t, filepath.Join("testdata", "secrets.yaml"), &secrets)
		require.NotEmpty(t, secrets[variant])
		maps.Copy(cfg, secrets[variant])
	}
	passed, err := json.Marshal(cfg)
	require.NoError(t, err)
	t.Setenv(pulumi.EnvConfig, string(passed))
	return cfg
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, into))
}

// declaredVariant returns all resources of a variant.
func declaredVariant(t *testing.T, variant string) []pulumitest.Registration {
	t.Helper()
	return declaredWith(t, variant, variantConfig(t, variant))
}

// declaredWith returns all resources of a stack with a configuration. Random passwords are the
// same in every call.
func declaredWith(t *testing.T, stack string, cfg map[string]string) []pulumitest.Registration {
	t.Helper()
	r := &pulumitest.Recorder{Password: "a-password-of-a-test-with-32-chars"}
	require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
	return r.Registrations()
}

// named returns the resource of a type with a name in the cluster, and whether there is one. An
// empty namespace is for objects of the whole cluster.
func named(all []pulumitest.Registration, token, namespace, name string) (pulumitest.Registration, bool) {
	for _, g := range all {
		in, _ := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
		if g.Type == token && in == namespace && pulumitest.Dig(g.Inputs, "metadata.name") == name {
			return g, true
		}
	}
	return pulumitest.Registration{}, false
}

// podTemplate returns the template of an object's Pods, nil if it has none.
func podTemplate(g pulumitest.Registration) any {
	if template := pulumitest.Dig(g.Inputs, "spec.jobTemplate.spec.template"); template != nil {
		return template
	}
	return pulumitest.Dig(g.Inputs, "spec.template")
}

// list returns the list at a path, nil if there is none.
func list(value any, path string) []any {
	out, _ := pulumitest.Dig(value, path).([]any)
	return out
}

// texts returns the texts at a path of each element of a list, without those that have none.
func texts(elements []any, path string) []string {
	var out []string
	for _, element := range elements {
		if text, ok := pulumitest.Dig(element, path).(string); ok {
			out = append(out, text)
		}
	}
	return out
}
