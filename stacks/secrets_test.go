package stacks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestCredentialsAreSecretInEveryInput(t *testing.T) {
	for _, stack := range stackNames {
		found := map[string]int{}
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, stackConfig(t, stack), Program))
		for _, g := range r.Registrations() {
			eachText(g.Inputs, "", func(path, text string) {
				for _, canary := range []string{canaryDigitalOcean, canaryCloudflare, "AVNS_", "dop_v1_"} {
					if strings.Contains(text, canary) {
						found[canary]++
						assert.True(t, underAny(path, g.Secrets), "%s %s shows a credential at %s", g.Type, g.Name, path)
					}
				}
			})
		}
		assert.Positive(t, found[canaryCloudflare], "inputs of %s with the token of cert-manager", stack)
		assert.Positive(t, found["AVNS_"], "inputs of %s with a password of the database", stack)
		admin, ok := r.Find("kubernetes:core/v1:Secret", "grafana-admin")
		require.True(t, ok)
		assert.True(t, underAny("stringData.password", admin.Secrets))
	}
}

func eachText(value any, path string, visit func(path, text string)) {
	switch v := value.(type) {
	case map[string]any:
		for key, child := range v {
			eachText(child, strings.TrimPrefix(path+"."+key, "."), visit)
		}
	case []any:
		for i, child := range v {
			eachText(child, fmt.Sprintf("%s[%d]", path, i), visit)
		}
	case string:
		visit(path, v)
	}
}

func underAny(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if path == prefix || strings.HasPrefix(path, prefix+".") || prefix == "" {
			return true
		}
	}
	return false
}
