package settings_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestFaultsOfTypesKeysAndValuesAreReportedTogether(t *testing.T) {
	_, err := settings.Load([]byte(`domain: demo.genericcorp.com
zone: genericcorp.com
regoin: fra1
protect: maybe
nodes: {count: two}
network: {vpc: 3}
cluster: {version: 1.36, kind: [x], context: mine}
budget: {monthlyUsd: "80"}
app: {image: nginx, port: 80, env: {A: 1}}
tenants: [{name: 3}, {name: Acme}, acme]
capacity: 100
`))
	require.EqualError(t, err, `the stack's settings have 15 faults:
  settings.app.env.A: is the number 1; write it in quotes: "1"
  settings.app.image: "nginx" has no exact version; add an exact tag or a digest
  settings.app.port: 80 is not between 1024 and 65535; below 1024 needs root, which the app does not get
  settings.budget.monthlyUsd: is the text "80"; write the amount without quotes
  settings.capacity: is the number 100; write its keys below it: concurrentUsers, requestsPerMinute, surviveNodeLoss
  settings.cluster.kind: is a list; write text
  settings.cluster.version: is the number 1.36; write it in quotes: "1.36"
  settings.email: is missing; write the contact of the Let's Encrypt account, such as sre@genericcorp.com
  settings.network.vpc: is the number 3; write it in quotes: "3"
  settings.nodes.count: is the text "two"; write a whole number, such as 2
  settings.protect: is the text "maybe"; write true or false, without quotes
  settings.regoin: is no setting; "region" is
  settings.tenants[0].name: is the number 3; write it in quotes: "3"
  settings.tenants[1].name: "Acme" is not a DNS label; write lower-case letters, digits and hyphens, at most 63, with a letter or digit at both ends
  settings.tenants[2]: is the text "acme"; write its keys below it: confirmPurge, fresh, name, ownsSchema, passwordVersion, plan, redirectOldHost, renamedFrom, restore, sampleData, state`)
}

func TestAValueThatCannotBeReadCausesNoOtherFault(t *testing.T) {
	for lines, path := range map[string]string{
		"cluster: {kind: [x], context: mine}\n":                                  "cluster.kind",
		"cluster: {kind: 3}\ningress: {address: 192.0.2.1}\n":                    "cluster.kind",
		"database: {kind: 3, connections: 20}\n":                                 "database.kind",
		"database: {kind: true, network: 10.0.0.0/8}\n":                          "database.kind",
		"archive: {volumeGiB: five}\ntenants: [{name: acme, state: archived}]\n": "archive.volumeGiB",
		"tenants: [{name: acme, state: 3, confirmPurge: acme}]\n":                "tenants[0].state",
		"tenants: [{name: 3}, {name: 4}]\n":                                      "tenants[0].name",
		"tenants: {name: acme}\n":                                                "tenants",
		"region: [fra1]\n":                                                       "region",
		"capacity: {surviveNodeLoss: 1}\napp: {replicas: 1}\n":                   "capacity.surviveNodeLoss",
	} {
		faults := faultsOf(t, lines)
		require.NotEmpty(t, faults, lines)
		assert.Equal(t, "settings."+path, faults[0].Path, lines)
		for _, fault := range faults {
			assert.Contains(t, fault.Problem, "is ", lines)
			assert.Contains(t, fault.Problem, "; write ", "%s: %s", lines, fault)
		}
	}
	for lines, key := range map[string]string{"domain: [x]\nzone: a.com\n": "domain", "domain: a.com\nzone: 3\n": "zone"} {
		_, err := settings.Load([]byte(lines + "email: a@genericcorp.com\n"))
		var faults settings.Faults
		require.ErrorAs(t, err, &faults)
		assert.Len(t, faults, 1, lines)
		assert.Equal(t, "settings."+key, faults[0].Path, lines)
	}
}

// unsafe are texts that a terminal or GitHub Actions would read as commands.
var unsafe = []string{
	"\n::error::owned", "\r::warning::owned", "\x1b[31mred", "a\x07b", "a\tb", "\u202eowned", "a\u2028::error::b", "##[error]owned", "##vso[task.complete]",
	"\u0085::error::x", "a\u200bb", "\x7f", "::set-output name=a::b",
}

func TestMessagesAreSafeToPrint(t *testing.T) {
	for _, text := range unsafe {
		quoted := fmt.Sprintf("%+q", text)
		for _, lines := range []string{
			quoted + ": x\n", "app: {env: {" + quoted + ": x}}\n", "app: {env: {" + quoted + ": 3}}\n", "app: {image: " + quoted + "}\n",
			"tenants: [{name: " + quoted + "}]\n", "tenants: [{" + quoted + ": a}]\n", "region: " + quoted + "\n", "nodes: {count: " + quoted + "}\n",
			"certificates: {chart: " + quoted + "}\n", "nodes: {size: " + quoted + "}\n", "app: {cpu: " + quoted + ", healthPath: " + quoted + "}\n",
			"network: {vpc: " + quoted + "}\n", "maintenance: {hour: " + quoted + "}\n", "cluster: {version: " + quoted + "}\n", "? [" + quoted + "]\n: x\n",
			"protect: !" + "<" + "tag:x,2000:y> z\n",
		} {
			_, err := settings.Load([]byte(least + lines))
			if !assert.Error(t, err, lines) {
				continue
			}
			requireSafe(t, err.Error(), lines)
			_, err = settings.LoadStackFile([]byte("config:\n  platform:settings: {}\n  " + quoted + ": x\n  " + `"platform:x` + quoted[1:] + ": y\n"))
			requireSafe(t, err.Error(), quoted)
		}
	}
}

// requireSafe requires lines that a terminal and GitHub Actions print as they are.
func requireSafe(t *testing.T, message, from string) {
	t.Helper()
	for i, line := range strings.Split(message, "\n") {
		for _, r := range line {
			assert.True(t, unicode.IsPrint(r), "%q in the message about %s", r, from)
		}
		assert.NotContains(t, line, "##", from)
		assert.True(t, i == 0 || strings.HasPrefix(line, "  settings") || strings.HasPrefix(line, "  platform:") || strings.HasPrefix(line, "  stack file") || strings.HasPrefix(line, "  config"), "line %q in the message about %s", line, from)
	}
}

func TestLongValuesAreShortenedInMessages(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, lines := range []string{
		long + ": x\n", "domain2: " + long + "\n", "tenants: [{name: " + long + "}]\n", "app: {image: '" + long + "::'}\n", "region: " + long + "\n", "nodes: {size: " + long + "}\n",
		"app: {env: {" + long + ": 3}}\n", "app: {cpu: " + long + "}\n", "protect: " + long + "\n", "app: {port: " + strings.Repeat("9", 100_000) + "}\n",
	} {
		for _, fault := range faultsOf(t, lines) {
			assert.Less(t, len(fault.Path), 300, lines[:20])
			assert.Less(t, len(fault.Problem), 800, lines[:20])
		}
	}
	assert.Contains(t, faultsOf(t, "tenants: [{name: "+long+"}]\n")[0].Problem, "with a letter or digit at both ends", "what would be right stays")
}
