package settings_test

import (
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
)

func TestPulumiNewAsksForTheKeysThatTheSettingsRead(t *testing.T) {
	data, err := os.ReadFile("../../Pulumi.yaml")
	require.NoError(t, err)
	var project struct {
		Template struct {
			Config map[string]struct {
				Description, Default string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(data, &project))
	assert.Equal(t, settings.TemplateKeys(), slices.Sorted(maps.Keys(project.Template.Config)))
	for key, question := range project.Template.Config {
		assert.NotEmpty(t, question.Description, key)
	}
}

// The engine writes every answer as text.
const answers = `config:
  platform:domain: shop.genericcorp.com
  platform:zone: genericcorp.com
  platform:email: sre@genericcorp.com
  platform:concurrentUsers: "300"
  platform:monthlyUsd: "79.50"
`

func TestAnswersOfPulumiNewAreSettings(t *testing.T) {
	s, err := settings.LoadStackFile([]byte(answers))
	require.NoError(t, err)
	want, err := settings.Load([]byte("{domain: shop.genericcorp.com, zone: genericcorp.com, email: sre@genericcorp.com, capacity: {concurrentUsers: 300}, budget: {monthlyUsd: 79.50}}"))
	require.NoError(t, err)
	assert.Equal(t, want, s)
}

func TestFaultsInTheAnswersOfPulumiNewNameTheSetting(t *testing.T) {
	for _, test := range []struct{ file, want string }{
		{"config: {platform:domain: shop.genericcorp.com, platform:zone: genericcorp.com, platform:email: a@genericcorp.com, platform:concurrentUsers: many}", "settings.capacity.concurrentUsers"},
		{"config: {platform:domain: shop.genericcorp.com}", "settings.zone"},
		{answers + "  platform:settings: {domain: shop.genericcorp.com}\n", "move the first into platform:settings"},
		{"config: {}", `"platform:settings" is missing`},
	} {
		_, err := settings.LoadStackFile([]byte(test.file))
		assert.ErrorContains(t, err, test.want, test.file)
	}
}
