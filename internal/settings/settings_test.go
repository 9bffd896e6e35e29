package settings_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
)

const least = "domain: demo.example.com\nzone: example.com\nemail: sre@example.com\n"

func TestWhatHasADefaultNeedsNoLine(t *testing.T) {
	s, err := settings.Load([]byte(least))
	require.NoError(t, err)
	assert.Equal(t, budget.Cents(8000), s.Budget.MonthlyUSD)
	assert.Equal(t, 100, s.Capacity.ConcurrentUsers)
	assert.Equal(t, "fra1", s.Region)
	assert.Equal(t, "17", s.Database.Version)
	assert.Equal(t, settings.Production, s.Certificates.Issuer)
	assert.Equal(t, "/healthz", s.App.HealthPath)
	assert.Len(t, s.Pricing.TenantUSD, 3)
}

func TestWhatIsWrittenIsKept(t *testing.T) {
	s, err := settings.Load([]byte(least + "region: ams3\nbudget: {monthlyUsd: 79.50}\ntenants: [{name: acme, connections: 5}, {name: beta}]\n"))
	require.NoError(t, err)
	assert.Equal(t, "ams3", s.Region)
	assert.Equal(t, budget.Cents(7950), s.Budget.MonthlyUSD)
	assert.Equal(t, []settings.Tenant{{Name: "acme", Connections: 5}, {Name: "beta", Connections: 2}}, s.Tenants)
}

func TestFaultsHaveAPathAndAMend(t *testing.T) {
	for line, path := range map[string]string{
		"regoin: fra1":                                    `settings.regoin: is no setting; "region" is`,
		"budget: {monthlyUSD: 80}":                        `settings.budget.monthlyUSD: is no setting; "monthlyUsd" is`,
		"budget: {monthlyUsd: -1}":                        "settings.budget.monthlyUsd",
		"budget: {monthlyUsd: 0}":                         "settings.budget.monthlyUsd: 0 has no meaning",
		"budget: {monthlyUsd: eighty}":                    "settings.budget.monthlyUsd",
		"budget: {monthlyUsd: 80.001}":                    "settings.budget.monthlyUsd",
		"budget: 80":                                      "settings.budget",
		"region: moon1":                                   "settings.region",
		"region: [fra1]":                                  "settings.region",
		"protect: yes please":                             "settings.protect",
		"nodes: {count: 2.5}":                             "settings.nodes.count: 2.5 is not a whole number",
		"nodes: {count: -1}":                              "settings.nodes.count",
		"nodes: {size: s-2vcpu-5gb}":                      "settings.nodes.size",
		"cluster: {version: 1.3}":                         "settings.cluster.version",
		"cluster: {version: latest}":                      "settings.cluster.version",
		"cluster: {kind: nomad}":                          "settings.cluster.kind",
		"cluster: {context: mine}":                        "settings.cluster.context",
		"cluster: {kind: existing}":                       "settings.database.kind",
		"database: {version: \"9\"}":                      "settings.database.version",
		"database: {size: huge}":                          "settings.database.size",
		"database: {size: db-s-1vcpu-1gb, standby: true}": "settings.database.standby",
		"network: {vpc: 10.244.0.0/16}":                   "settings.network.vpc",
		"network: {pods: 10.10.0.0/16}":                   "settings.network.pods",
		"network: {services: 8.8.8.0/20}":                 "settings.network.services",
		"ingress: {address: 192.0.2.1}":                   "settings.ingress.address",
		"dns: {proxied: true}":                            "settings.dns.proxied",
		"certificates: {issuer: test}":                    "settings.certificates.issuer",
		"certificates: {chart: cert-manager}":             "settings.certificates.chart",
		"monitoring: {volumeGiB: -5}":                     "settings.monitoring.volumeGiB",
		"app: {image: nginx}":                             "settings.app.image",
		"app: {image: \"nginx:latest\"}":                  "settings.app.image",
		"app: {port: 80}":                                 "settings.app.port",
		"app: {cpu: lots}":                                "settings.app.cpu",
		"app: {readyPath: ready}":                         "settings.app.readyPath",
		"app: {env: {DATABASE_URL: x}}":                   "settings.app.env.DATABASE_URL",
		"maintenance: {hour: \"25:00\"}":                  "settings.maintenance.hour",
		"tenants: [{name: acme}, {name: Admin_}]":         "settings.tenants[1].name",
		"tenants: [{name: acme}, {name: acme}]":           `"acme" is taken by tenants[0]`,
		"tenants: [{name: www}]":                          "settings.tenants[0].name",
		"tenants: [{label: acme}]":                        "settings.tenants[0].label",
		"tenants: acme":                                   "settings.tenants",
		"1: one":                                          "settings.1",
	} {
		_, err := settings.Load([]byte(least + line + "\n"))
		var faults settings.Faults
		require.ErrorAs(t, err, &faults, line)
		assert.Contains(t, err.Error(), path, line)
	}
}

func TestNamesAndAddressesAreRequiredAndChecked(t *testing.T) {
	for text, path := range map[string]string{
		"":   "settings",
		"[]": "settings",
		"domain: https://demo.example.com\nzone: example.com\nemail: a@example.com": "settings.domain",
		"domain: demo.example.com\nzone: other.com\nemail: a@example.com":           "settings.zone",
		"domain: demo.example.com\nzone: example.com":                               "settings.email",
		"domain: demo.example.com\nzone: example.com\nemail: nobody":                "settings.email",
		"domain: {": "settings",
	} {
		_, err := settings.Load([]byte(text))
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), path, text)
	}
}

func TestAllFaultsAreReportedAtOnceAndSorted(t *testing.T) {
	_, err := settings.Load([]byte("domain: x\nzone: example.com\nregion: moon1\napp: {port: 1}\n"))
	var faults settings.Faults
	require.True(t, errors.As(err, &faults))
	var paths []string
	for _, f := range faults {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"settings.app.port", "settings.domain", "settings.email", "settings.region", "settings.zone"}, paths)
}

func TestTheRealStackFilesAreRight(t *testing.T) {
	for _, file := range []string{"../../Pulumi.demo.yaml", "../../Pulumi.prod.yaml"} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = settings.LoadStackFile(data)
		assert.NoError(t, err)
	}
}

func FuzzLoadNeverPanicsAndNamesAPath(f *testing.F) {
	f.Add(least)
	f.Add("tenants: [null, {name: 3}, [], {name: [a]}]")
	f.Add("budget: {monthlyUsd: .nan}\nnodes: {count: 1e400}")
	f.Add("? [a, b]\n: c")
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := settings.Load([]byte(text))
		if err != nil && !strings.Contains(err.Error(), "settings") {
			t.Errorf("no path in %q", err)
		}
	})
}
