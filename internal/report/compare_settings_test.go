package report

import (
	"cmp"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
)

// changesOfSettings returns the column "a change" of docs/settings.md, by key.
func changesOfSettings(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/settings.md")
	require.NoError(t, err)
	out := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|.*\\| ([^|]*) \\|$").FindAllStringSubmatch(string(page), -1) {
		if !strings.HasPrefix(row[1], "platform:") && !strings.HasPrefix(row[1], "tenants[]") {
			out[row[1]] = row[2]
		}
	}
	require.Greater(t, len(out), 50)
	return out
}

func TestEverySettingThatDoesNotChangeInPlaceHasItsEffect(t *testing.T) {
	documented := changesOfSettings(t)
	inPlace := regexp.MustCompile(`^(in place|a rolling update|nothing is created or changed|.* updated in place)`)
	for path, change := range documented {
		if !inPlace.MatchString(change) || strings.Contains(change, "cannot") {
			assert.Contains(t, settingEffects, path, change)
		}
	}
	for path := range settingEffects {
		assert.Contains(t, documented, path)
	}
}

func TestEverySettingIsCompared(t *testing.T) {
	maps := map[string]string{"app.env": "app.env.A", "nodes.allocatableMemory": "nodes.allocatableMemory.A", "pricing.tierUsd": "pricing.tierUsd.starter"}
	one := map[string]string{"A": "1"}
	values := valuesOf(settings.Settings{App: settings.App{Env: one}, Nodes: settings.Nodes{AllocatableMemory: one},
		Pricing: settings.Pricing{TierUSD: map[string]budget.Cents{"starter": 4900}}, Ingress: settings.Ingress{HSTSIncludeSubdomains: new(bool)}})
	for path := range changesOfSettings(t) {
		assert.Contains(t, values, cmp.Or(maps[path], path))
	}
}

func TestAValueIsShownOnOneLineWithoutControlCharacters(t *testing.T) {
	assert.Equal(t, `"a\n::error::b"`, shown("a\n::error::b"))
	assert.Len(t, []rune(shown(strings.Repeat("x", 100_000))), 61)
	assert.Equal(t, "[49 99]", shown([]int{49, 99}))
}
