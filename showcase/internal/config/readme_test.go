package config_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
)

var update = flag.Bool("update", false, "write the table of the README again")

const readme = "../../README.md"

// table finds the README's table of all variables.
var table = regexp.MustCompile(`(?m)^\| variable \| type \|.*\n(\|.*\n)+`)

// go test ./internal/config -update writes the table again.
func TestTheREADMEListsAllSettings(t *testing.T) {
	var b strings.Builder
	b.WriteString("| variable | type | default | secret | effect |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range config.Settings() {
		secret := "no"
		if s.Secret {
			secret = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Name, s.Type, s.Default, secret, s.Effect)
	}
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	found := table.FindAllString(string(text), -1)
	require.Len(t, found, 1, "the README has one table of variables")
	if *update {
		require.NoError(t, os.WriteFile(readme, []byte(strings.Replace(string(text), found[0], b.String(), 1)), 0o600))
		return
	}
	assert.Equal(t, b.String(), found[0], "run: go test ./internal/config -update")
}
