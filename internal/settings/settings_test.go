package settings_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
)

const least = "domain: demo.example.com\nzone: example.com\nemail: sre@genericcorp.com\n"

func TestLoadSetsTheDefaultOfEachMissingKey(t *testing.T) {
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

func TestLoadKeepsTheValuesOfTheFile(t *testing.T) {
	s, err := settings.Load([]byte(least + "region: ams3\nbudget: {monthlyUsd: 79.50}\ntenants: [{name: acme, plan: growth}, {name: beta, state: suspended}]\n"))
	require.NoError(t, err)
	assert.Equal(t, "ams3", s.Region)
	assert.Equal(t, budget.Cents(7950), s.Budget.MonthlyUSD)
	assert.Equal(t, []settings.Tenant{{Name: "acme", Plan: "growth", State: "active", PasswordVersion: 1}, {Name: "beta", Plan: "starter", State: "suspended", PasswordVersion: 1}}, s.Tenants)
}

func TestLoadReportsTheFaultOfEachFaultyFile(t *testing.T) {
	files, err := filepath.Glob("testdata/faulty/*.yaml")
	require.NoError(t, err)
	require.Greater(t, len(files), 40)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(data), "\n")
		_, err = settings.Load(data)
		var faults settings.Faults
		require.ErrorAs(t, err, &faults, file)
		assert.Contains(t, err.Error(), strings.TrimPrefix(first, "# want: "), file)
	}
}

func TestFaultsAreInTheSameOrderInEveryRun(t *testing.T) {
	file := []byte(least + "tenants: [{name: acme, renamedFrom: beta, restore: true, fresh: true}]\n")
	_, first := settings.Load(file)
	require.Error(t, first)
	for range 20 {
		_, again := settings.Load(file)
		require.EqualError(t, again, first.Error())
	}
}

func TestLoadReportsAllFaultsSortedByPath(t *testing.T) {
	_, err := settings.Load([]byte("domain: x\nzone: example.com\nregion: moon1\napp: {port: 1}\n"))
	var faults settings.Faults
	require.True(t, errors.As(err, &faults))
	var paths []string
	for _, f := range faults {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"settings.app.port", "settings.domain", "settings.email", "settings.region", "settings.zone"}, paths)
}

func TestTheStackFilesOfTheRepositoryHaveNoFaults(t *testing.T) {
	for _, file := range []string{"../../Pulumi.demo.yaml", "../../Pulumi.prod.yaml"} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = settings.LoadStackFile(data)
		assert.NoError(t, err)
	}
}

func FuzzLoadReturnsErrorsWithAPath(f *testing.F) {
	f.Add(least)
	f.Add("tenants: [null, {name: 3}, [], {name: [a]}]")
	f.Add("budget: {monthlyUsd: .nan}\nnodes: {count: 1e400}")
	f.Add("? [a, b]\n: c")
	f.Add("a: &a [*a]")
	files, err := filepath.Glob("testdata/faulty/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(string(data))
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := settings.Load([]byte(text))
		if err != nil && !strings.Contains(err.Error(), "settings") {
			t.Errorf("no path in %q", err)
		}
	})
}

func TestConnectionsOfATierAreItsPoolInEachPoolerPlusOne(t *testing.T) {
	limits := map[string]int{"starter": 3, "growth": 5, "enterprise": 5}
	require.Len(t, settings.Tiers, len(limits))
	for _, tier := range settings.Tiers {
		assert.Equal(t, limits[tier.Name], tier.Connections(), tier.Name)
		assert.LessOrEqual(t, tier.Reserved, tier.PoolSize, tier.Name)
	}
}

func TestNetworkOfAnExternalDatabaseMustBeAnIPv4Range(t *testing.T) {
	for network, fault := range map[string]string{
		`{kind: external}`:                           "",
		`{kind: external, network: 203.0.113.16/28}`: "",
		`{kind: external, network: 203.0.113.17/32}`: "",
		`{kind: external, network: 203.0.113.17}`:    "is not an IPv4 range",
		`{kind: external, network: 203.0.113.17/28}`: "is not an IPv4 range",
		`{kind: external, network: db.example.com}`:  "is not an IPv4 range",
		`{kind: external, network: "2001:db8::/64"}`: "is not an IPv4 range",
		`{network: 10.10.0.0/20}`:                    "goes with database.kind: external alone",
	} {
		_, err := settings.Load([]byte(least + "database: " + network + "\n"))
		if fault == "" {
			require.NoError(t, err, network)
		} else {
			require.ErrorContains(t, err, "database.network: ", network)
			require.ErrorContains(t, err, fault, network)
		}
	}
}

func TestCheckTiersReportsEachTenantWhosePlanIsNotATier(t *testing.T) {
	declared := []settings.Tenant{{Name: "acme", Plan: "growth"}, {Name: "beta", Plan: "platinum"}, {Name: "gamma"}}
	assert.NoError(t, settings.CheckTiers(declared[:1]))
	assert.EqualError(t, settings.CheckTiers(declared),
		"tenants[1].plan: \"platinum\" is not a tier; the tiers are starter, growth, enterprise\ntenants[2].plan: \"\" is not a tier; the tiers are starter, growth, enterprise")
	assert.Zero(t, declared[1].Tier(), "a plan that is not a tier allows nothing")
}
