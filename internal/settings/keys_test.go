package settings_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

// A secret that the documents name and the check of keys does not know would make every update
// fail that sets it.
func TestEverySecretOfTheSettingsPageIsAKnownKey(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "\n## Secrets\n")
	require.True(t, found)
	table, _, found = strings.Cut(table, "\n## ")
	require.True(t, found)
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(platform:[A-Za-z]+)").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	assert.ElementsMatch(t, settings.SecretKeys(), documented)
	require.NoError(t, settings.CheckKeys(documented))

	file := "config:\n  platform:settings: {domain: demo.genericcorp.com, zone: genericcorp.com, email: sre@genericcorp.com}\n  " +
		strings.Join(documented, ": {secure: v1:abc}\n  ") + ": {secure: v1:abc}\n"
	_, err = settings.LoadStackFile([]byte(file))
	require.NoError(t, err, "the plan reads the same file")
}
