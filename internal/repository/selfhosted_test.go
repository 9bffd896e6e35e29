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
	Networks             []string
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
		assert.Equal(t, name == "caddy" || name == "victoria-metrics", len(s.Ports) > 0, name)
		assert.Equal(t, name == "setup", s.User == "0:0", name)
		assert.NotEmpty(t, s.User, name)
		switch {
		case strings.Contains(s.Image, "AGENTHQ_IMAGE") && len(s.Profiles) > 0:
			assert.Equal(t, []string{"offsite"}, s.Networks, "%s has a way out, and none to the database", name)
		case slices.Contains(s.Profiles, "metrics"):
			assert.Contains(t, s.Networks, "app", name)
			assert.NotContains(t, s.Networks, "database", name)
			assert.NotContains(t, s.Networks, "internet", name)
		case s.User == "0:0" || len(s.Profiles) > 0:
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
	want := []string{postgres[1], settings.AgentHQImage}
	for _, file := range []string{"store.go", "vmalert.go"} {
		image := regexp.MustCompile(`(?:store|vmalert)Image += "([^"]+)"`).FindStringSubmatch(read(t, "../../components/monitoring/"+file))
		require.NotNil(t, image, file)
		want = append(want, image[1])
	}
	for _, image := range want {
		assert.Contains(t, text, ":-"+image+"}")
	}
	assert.NotRegexp(t, `(?m)^    image: [^*]`, text, "an image without a variable")
}

// defaultsOf returns the default of each variable of compose.yaml. A variable without one is "none".
func defaultsOf(t *testing.T, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, match := range regexp.MustCompile(`\$\{([A-Z0-9_]+)(?::?-([^{}]*))?`).FindAllStringSubmatch(strings.ReplaceAll(text, "$$", ""), -1) {
		name, value := match[1], match[2]
		switch {
		case strings.HasSuffix(name, "_IMAGE"):
			value = "in compose.yaml"
		case value == "" && out[name] != "":
			continue
		case value == "":
			value = "none"
		}
		if out[name] != "" && out[name] != "none" {
			assert.Equal(t, out[name], value, "%s has two defaults", name)
		}
		out[name] = value
	}
	return out
}

// tableOf returns the defaults in README's table of settings.
func tableOf(t *testing.T) map[string]string {
	t.Helper()
	_, table, _ := strings.Cut(read(t, "../../selfhosted/README.md"), "## Settings")
	table, _, _ = strings.Cut(table, "\n## ")
	out := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*) \\| (.*) \\| .* \\|$").FindAllStringSubmatch(table, -1) {
		variables := strings.Split(strings.ReplaceAll(row[1], "`", ""), ", ")
		values := strings.Split(strings.ReplaceAll(row[2], "`", ""), ", ")
		require.True(t, len(values) == 1 || len(values) == len(variables), row[0])
		for i, name := range variables {
			out[name] = values[min(i, len(values)-1)]
		}
	}
	return out
}

// The file itself, its head, and the table of README have the same variables with the same defaults.
func TestREADMEAndTheHeadOfTheComposeFileListItsVariablesWithTheirDefaults(t *testing.T) {
	text, _ := compose(t)
	want := defaultsOf(t, text)
	assert.Greater(t, len(want), 10)
	assert.Equal(t, want, tableOf(t))
	head, _, _ := strings.Cut(text, "\nname: ")
	listed := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^#   ([A-Z0-9_, ]*[A-Z0-9_]) +([^ A-Z].*|[A-Z][a-z].*)$`).FindAllStringSubmatch(head, -1) {
		for name := range strings.SplitSeq(line[1], ", ") {
			listed[name] = true
			require.Contains(t, want, name, "the head has it, and nothing uses it")
			if value := want[name]; value != "none" && value != "in compose.yaml" {
				assert.Regexp(t, `(: | and )`+regexp.QuoteMeta(value)+`( and|$)`, line[2], name)
			}
		}
	}
	for name := range want {
		assert.True(t, listed[name], "the head does not have %s", name)
	}
}
