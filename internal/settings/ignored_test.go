package settings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestAValueThatWouldBeIgnoredIsAFault(t *testing.T) {
	const existing = "cluster: {kind: existing}\ndatabase: {kind: external}\n"
	for _, c := range []struct{ lines, path, text string }{
		{"database: {connections: 50}\n", "database.connections", "goes with database.kind: external alone"},
		{"database: {connections: 100}\n", "database.connections", "goes with database.kind: external alone"},
		{"database: {kind: external, size: db-s-1vcpu-1gb}\n", "database.size", "goes with database.kind: digitalocean alone"},
		{"database: {kind: external, standby: true}\n", "database.standby", "goes with database.kind: digitalocean alone"},
		{"cluster: {kind: existing, version: \"1.35\"}\ndatabase: {kind: external}\n", "cluster.version", "goes with cluster.kind: digitalocean alone"},
		{existing + "region: ams3\n", "region", "goes with cluster.kind: digitalocean alone"},
		{existing + "network: {vpc: 10.20.0.0/20}\n", "network.vpc", "goes with cluster.kind: digitalocean alone"},
		{existing + "network: {pods: 10.20.0.0/20}\n", "network.pods", "goes with cluster.kind: digitalocean alone"},
		{existing + "network: {services: 10.20.0.0/20}\n", "network.services", "goes with cluster.kind: digitalocean alone"},
		{existing + "maintenance: {day: monday}\n", "maintenance.day", "goes with cluster.kind: digitalocean alone"},
		{existing + "maintenance: {hour: \"04:00\"}\n", "maintenance.hour", "goes with cluster.kind: digitalocean alone"},
		{existing + "nodes: {count: 2}\n", "nodes.count", "goes with cluster.kind: digitalocean alone"},
		{"capacity: {surviveNodeLoss: true}\napp: {replicas: 1}\n", "app.replicas", "does not go with capacity.surviveNodeLoss: true; write 2 or more"},
		{"tenants: [{name: acme, passwordVersion: 0}]\n", "tenants[0].passwordVersion", "0 has no meaning here"},
		{"tenants: [{name: acme, plan: \"\"}]\n", "tenants[0].plan", "an empty text has no meaning here"},
		{"tenants: [{name: acme, state: ''}]\n", "tenants[0].state", "an empty text has no meaning here"},
		{"region: \"\"\n", "region", "an empty text has no meaning here"},
		{"app: {image: \"\"}\n", "app.image", "an empty text has no meaning here"},
		{"app: {port: 0}\n", "app.port", "0 has no meaning here"},
		{"app: {port: 0.0}\n", "app.port", "0 has no meaning here"},
		{"budget: {monthlyUsd: 0.00}\n", "budget.monthlyUsd", "0 has no meaning here"},
		{"database: {kind: external, connections: 0}\n", "database.connections", "0 has no meaning here"},
		{"database: {kind: external, network: \"\"}\n", "database.network", "an empty text has no meaning here"},
		{"region:\n", "region", "has no value"},
		{"app: {port: ~}\n", "app.port", "has no value"},
		{"tenants: [null]\n", "tenants[0]", "is empty"},
		{"tenants: [{name: acme}, ]\nregion: fra1\nregion: ams3\n", "region", "is there twice"},
		{"app: {env: {A: x, A: y}}\n", "app.env.A", "is there twice"},
		{"<<: {region: ams3}\n", "<<", "is a merge of YAML"},
	} {
		requireFault(t, c.lines, c.path, c.text)
	}
}

func TestANumberThatYAMLReadsDifferentlyFromPeopleIsAFault(t *testing.T) {
	for number, text := range map[string]string{
		"0100": "0100 would be read as 64", "0x40": "0x40 would be read as 64", "0o100": "0o100 would be read as 64",
		"0b1000000": "0b1000000 would be read as 64", "6_4": "6_4 would be read as 64", "64.5": "is not a whole number",
		".inf": "is not a whole number", ".nan": "is not a whole number", "1e400": "is the text", "1e300": "has too many digits",
		"99999999999999999999": "has too many digits",
	} {
		requireFault(t, "capacity: {concurrentUsers: "+number+"}\n", "capacity.concurrentUsers", text)
	}
	for number, text := range map[string]string{
		"0100": "0100 would be read as 64", "0x40": "0x40 would be read as 64", ".nan": "is not a whole number of cents", "1_000": "1_000 would be read as 1000",
	} {
		requireFault(t, "budget: {monthlyUsd: "+number+"}\n", "budget.monthlyUsd", text)
	}
	for _, number := range []string{"64", "+64", "64.0", "6.4e1"} {
		assert.Empty(t, faultsOf(t, "capacity: {concurrentUsers: "+number+"}\n"), number)
	}
}

func TestASectionWithoutContentHasItsDefaults(t *testing.T) {
	assert.Empty(t, faultsOf(t, "tenants:\napp:\n  env:\nnetwork: ~\npricing: {tenantUsd: }\n"))
}

func TestASecondYAMLDocumentIsAFault(t *testing.T) {
	for _, text := range []string{least + "---\nregion: ams3\n", least + "---\n", least + "...\n---\n}\n"} {
		_, err := settings.Load([]byte(text))
		require.Error(t, err, text)
		_, err = settings.LoadStackFile([]byte("config: {platform:settings: {domain: demo.genericcorp.com, zone: genericcorp.com, email: a@genericcorp.com}}\n" + strings.TrimPrefix(text, least)))
		require.ErrorContains(t, err, "stack file: ", text)
	}
}

// An update gets a nested value as JSON, and a text as it is. A key without a prefix has the
// project's name as its prefix.
func TestPlanAndUpdateReadTheSameSettings(t *testing.T) {
	const block = "domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: a@genericcorp.com\ncapacity: {concurrentUsers: 300}\n"
	const inJSON = `{"domain":"demo.genericcorp.com","zone":"genericcorp.com","email":"a@genericcorp.com","capacity":{"concurrentUsers":300}}`
	want, err := settings.LoadConfig(func(key string) (string, bool) { return inJSON, key == settings.Key })
	require.NoError(t, err)
	assert.Equal(t, 300, want.Capacity.ConcurrentUsers)
	nested := "\n    " + strings.ReplaceAll(block, "\n", "\n    ")
	for name, file := range map[string]string{
		"nested":                     "config:\n  platform:settings:" + nested,
		"without a prefix":           "config:\n  settings:" + nested,
		"with the old prefix":        "config:\n  platform:config:settings:" + nested,
		"JSON in a text":             fmt.Sprintf("config:\n  platform:settings: '%s'\n", inJSON),
		"JSON without a prefix":      fmt.Sprintf("config:\n  settings: '%s'\n", inJSON),
		"JSON":                       fmt.Sprintf("config:\n  platform:settings: %s\n", inJSON),
		"indented JSON":              fmt.Sprintf("config:\n  platform:settings: |\n    %s\n", strings.ReplaceAll(inJSON, ",", ",\n    \t")),
		"a block in a text":          fmt.Sprintf("config:\n  platform:settings: |%s\n", nested),
		"an alias":                   "x: &s {domain: demo.genericcorp.com, zone: genericcorp.com, email: a@genericcorp.com, capacity: {concurrentUsers: 300}}\nconfig:\n  platform:settings: *s\n",
		"a mark of the byte order":   "\ufeffconfig:\n  platform:settings:" + nested,
		"a file that is JSON itself": fmt.Sprintf(`{"config":{"platform:settings":%s}}`, inJSON),
	} {
		got, err := settings.LoadStackFile([]byte(file))
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
}

func TestAKeyOfThePlatformThatNothingReadsIsAFault(t *testing.T) {
	const file = "config:\n  pulumi:tags: {a: b}\n  other:key: 1\n  platform:kubeconfig: {secure: x}\n  platform:appEnv: {A: {secure: x}}\n" +
		"  platform:settings: {domain: demo.genericcorp.com, zone: genericcorp.com, email: a@genericcorp.com}\n"
	_, err := settings.LoadStackFile([]byte(file))
	require.NoError(t, err)
	for line, fault := range map[string]string{
		"platform:setings: {}":          `platform:setings: is no key of this program; "platform:settings" is`,
		"setings: {}":                   `platform:setings: is no key of this program; "platform:settings" is`,
		"platform:databaseURL: x":       `platform:databaseURL: is no key of this program; "platform:databaseUrl" is`,
		"platform:budget: {}":           "platform:budget: is no key of this program; known: ",
		"settings: {}":                  "platform:settings: is there twice",
		"platform:config:settings: {}":  "platform:settings: is there twice",
		"platform:kubeconfig: twice":    "platform:kubeconfig: is there twice",
		"platform:a:b: 1":               "config.platform:a:b: is no key of Pulumi",
		"platform:settings.region: fra": `platform:settings.region: is no key of this program; known: `,
	} {
		_, err := settings.LoadStackFile([]byte(file + "  " + line + "\n"))
		assert.ErrorContains(t, err, fault, line)
	}
	assert.NoError(t, settings.CheckKeys([]string{"platform:settings", "aws:region", "platform:registry"}))
	assert.ErrorContains(t, settings.CheckKeys([]string{"platform:settings", "platform:registri"}), `"platform:registry" is`)
}

func TestSettingsThatAreEncryptedAreAFaultInThePlan(t *testing.T) {
	_, err := settings.LoadStackFile([]byte("config:\n  platform:settings: {secure: v1:abc}\n"))
	require.ErrorContains(t, err, "settings: is encrypted")
	requireFault(t, "app: {env: {A: {secure: v1:abc}}}\n", "app.env.A", "is encrypted")
}
