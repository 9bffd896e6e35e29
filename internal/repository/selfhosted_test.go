package repository_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
)

// service has the keys of a service in selfhosted/compose.yaml that the tests read.
type service struct {
	Image, User, Restart string
	Profiles             []string
	ReadOnly             bool     `yaml:"read_only"`
	CapDrop              []string `yaml:"cap_drop"`
	CapAdd               []string `yaml:"cap_add"`
	SecurityOpt          []string `yaml:"security_opt"`
	Memory               string   `yaml:"mem_limit"`
	CPUs                 float64
	Pids                 int `yaml:"pids_limit"`
	Logging              struct{ Options map[string]string }
	Healthcheck          struct{ Test []string }
	Ports                []string
	Network              string `yaml:"network_mode"`
}

// compose returns selfhosted/compose.yaml as text, and its services.
func compose(t *testing.T) (string, map[string]service) {
	t.Helper()
	text := read(t, "../../selfhosted/compose.yaml")
	var file struct{ Services map[string]service }
	require.NoError(t, yaml.Unmarshal([]byte(text), &file))
	require.NotEmpty(t, file.Services)
	return text, file.Services
}

func TestEveryServiceOfTheComposeFileIsHardened(t *testing.T) {
	_, services := compose(t)
	caps := map[string][]string{"setup": {"CHOWN", "DAC_OVERRIDE"}, "caddy": {"NET_BIND_SERVICE"}}
	for name, s := range services {
		assert.True(t, s.ReadOnly, name)
		assert.Equal(t, []string{"ALL"}, s.CapDrop, name)
		assert.Equal(t, caps[name], s.CapAdd, name)
		assert.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		assert.NotEmpty(t, s.Memory, name)
		assert.Positive(t, s.CPUs, name)
		assert.Positive(t, s.Pids, name)
		assert.Equal(t, map[string]string{"max-size": "10m", "max-file": "3"}, s.Logging.Options, name)
		assert.Equal(t, name == "caddy", len(s.Ports) > 0, name)
		assert.Equal(t, name == "setup", s.User == "0:0", name)
		assert.NotEmpty(t, s.User, name)
		if s.User == "0:0" || slices.Contains(s.Profiles, "tools") || slices.Contains(s.Profiles, "scheduled") {
			assert.Equal(t, "none", s.Network, name)
		}
		if s.Restart == "unless-stopped" {
			assert.NotEmpty(t, s.Healthcheck.Test, name)
		}
	}
}

func TestTheComposeFileUsesThePlatformsImages(t *testing.T) {
	text, _ := compose(t)
	postgres := regexp.MustCompile(`"17": "([^"]+)"`).FindStringSubmatch(read(t, "../../components/tenants/tenants.go"))
	require.NotNil(t, postgres)
	for _, image := range []string{postgres[1], settings.AgentHQImage} {
		assert.Contains(t, text, ":-"+image+"}")
	}
	assert.NotRegexp(t, `(?m)^    image: [^*]`, text, "an image without a variable")
}

// The head of compose.yaml, the table of README and the file itself have the same variables.
func TestREADMEListsTheVariablesOfTheComposeFile(t *testing.T) {
	text, _ := compose(t)
	used := names(regexp.MustCompile(`\$\{([A-Z_]+)[:}-]`), strings.ReplaceAll(text, "$$", ""))
	readme := read(t, "../../selfhosted/README.md")
	_, table, _ := strings.Cut(readme, "## Settings")
	table, _, _ = strings.Cut(table, "\n## ")
	assert.Equal(t, used, names(regexp.MustCompile("`([A-Z]+_?[A-Z]+)`"), strings.ReplaceAll(table, ".env", "")))
	head, _, _ := strings.Cut(text, "\nname: ")
	for _, name := range used {
		assert.Contains(t, head, name)
	}
}

// names returns the first groups of all matches, sorted and without repetitions.
func names(pattern *regexp.Regexp, text string) []string {
	var out []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		out = append(out, match[1])
	}
	slices.Sort(out)
	return slices.Compact(out)
}
