package sizing_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

func adviceFor(t *testing.T, stackName string, change func(*settings.Settings)) string {
	t.Helper()
	s := stack(t, stackName)
	change(&s)
	_, err := sizing.Solve(s)
	over := &budget.OverError{}
	require.ErrorAs(t, err, &over)
	return over.Advice
}

func TestSolveOverBudgetNamesEachSettingThatAloneIsEnough(t *testing.T) {
	prod, demo := prodBill(t).String(), demoBill(t).String()
	for name, c := range map[string]struct {
		stack  string
		change func(*settings.Settings)
		want   string
	}{
		"HA":                {"prod", func(s *settings.Settings) { s.Cluster.HA = true }, "settings.cluster.ha: false, for " + prod},
		"uptime checks":     {"prod", func(s *settings.Settings) { s.Alerts.DigitalOcean.Uptime = make([]string, 4) }, "settings.alerts.digitalocean.uptime: remove it, for " + prod},
		"a standby":         {"prod", func(s *settings.Settings) { s.Database.Standby = true }, "settings.database.standby: false, for " + prod},
		"a pinned size":     {"prod", func(s *settings.Settings) { s.Nodes.Size = "s-4vcpu-8gb" }, "settings.nodes.size: remove it, for " + prod},
		"a pinned count":    {"demo", func(s *settings.Settings) { s.Nodes.Count = 4 }, "settings.nodes.count: remove it, for " + demo},
		"a pinned database": {"prod", func(s *settings.Settings) { s.Database.Size = nextDatabase }, "settings.database.size: remove it, for " + prod},
		"memory":            {"demo", func(s *settings.Settings) { s.App.Memory = "9Gi" }, "settings.app.memory: remove it, for " + demo},
		"CPU":               {"demo", func(s *settings.Settings) { s.App.CPU = "3" }, "settings.app.cpu: remove it, for " + demo},
		"replicas":          {"demo", func(s *settings.Settings) { s.App.Replicas = 50 }, "settings.app.replicas: remove it, for " + demo},
		"survival": {"demo", func(s *settings.Settings) { s.Capacity.SurviveNodeLoss, s.Budget.MonthlyUSD = true, demoBill(t) },
			"settings.capacity.surviveNodeLoss: false, for " + demo},
		"connections": {"prod", func(s *settings.Settings) { s.App.DatabasePool = 12 }, "settings.app.databasePool: at most 4 (now 12), for " + prod},
		"users":       {"demo", func(s *settings.Settings) { s.Capacity.ConcurrentUsers = 1000 }, "settings.capacity.concurrentUsers: at most 500 (now 1000), for"},
		"tenants": {"prod", func(s *settings.Settings) { s.Tenants = starterTenants(150) },
			"settings.tenants, those that are not purged: at most 112 (now 150), for " + prod},
	} {
		t.Run(name, func(t *testing.T) {
			advice := adviceFor(t, c.stack, c.change)
			assert.Contains(t, advice, "each of these changes alone gives a plan within")
			assert.Contains(t, advice, "\n  "+c.want)
		})
	}
}

func TestSolveOverBudgetNamesTheVolumeThatIsTooLarge(t *testing.T) {
	// Prod has 10 GiB for metrics and no archive.
	more := int((stack(t, "prod").Budget.MonthlyUSD - prodBill(t)) / catalog.BlockStorage.Unit)
	for path, c := range map[string]struct {
		change func(*settings.Settings)
		most   int
	}{
		"settings.monitoring.volumeGiB": {func(s *settings.Settings) { s.Monitoring.VolumeGiB = 300 }, 10 + more},
		"settings.archive.volumeGiB":    {func(s *settings.Settings) { s.Archive.VolumeGiB = 300 }, more},
	} {
		advice := adviceFor(t, "prod", c.change)
		assert.Contains(t, advice, fmt.Sprintf("\n  %s: at most %d (now 300), for", path, c.most))
		assert.NotContains(t, advice, "concurrentUsers", "fewer users do not make a volume cheaper")
	}
}

func TestSolveOverBudgetNamesNoSettingThatDoesNotHelp(t *testing.T) {
	advice := adviceFor(t, "demo", func(s *settings.Settings) { s.Cluster.HA, s.Capacity.ConcurrentUsers = true, 1 })
	assert.Equal(t, fmt.Sprintf("each of these changes alone gives a plan within $80.00:\n  settings.cluster.ha: false, for %s (1 × s-2vcpu-4gb, 1 × db-s-1vcpu-1gb)", demoBill(t)), advice)
}

func TestSolveOverBudgetNamesTheSettingsThatTogetherAreEnough(t *testing.T) {
	advice := adviceFor(t, "prod", func(s *settings.Settings) { s.Cluster.HA, s.Nodes.Size, s.Database.Size = true, "c-4", smallDatabase })
	assert.Contains(t, advice, "no single change is enough. These changes together give a plan within $80.00")
	assert.Contains(t, advice, ":\n  settings.cluster.ha: false\n  settings.nodes.size: remove it")
	assert.NotContains(t, advice, "database.size", "it is not too expensive")
}

func TestSolveOverBudgetWithoutACheaperPlanNamesTheBudgetAndTheAmounts(t *testing.T) {
	advice := adviceFor(t, "demo", func(s *settings.Settings) { s.Budget.MonthlyUSD = 4000 })
	assert.Contains(t, advice, "nothing cheaper fits: the cheapest plan for this workload costs "+demoBill(t).String())
	assert.Contains(t, advice, "\n  settings.budget.monthlyUsd: at least 51.65")

	advice = adviceFor(t, "prod", func(s *settings.Settings) {
		s.Nodes.Size, s.Capacity.ConcurrentUsers, s.Tenants = "c-4", 2000, starterTenants(10)
	})
	assert.Contains(t, advice, "Each of these changes gives a plan without settings.nodes.size, settings.capacity.surviveNodeLoss:")
	assert.Contains(t, advice, "\n  settings.capacity.concurrentUsers: at most 500 (now 2000)")
	assert.NotContains(t, advice, "settings.tenants")
}

func TestSolveAdvisesNothingThatARunningStackCannotGiveBack(t *testing.T) {
	advice := adviceFor(t, "prod", func(s *settings.Settings) {
		s.Cluster.HA, s.Cluster.HARuns = true, true
		s.Monitoring.VolumeGiB, s.Monitoring.AtLeastGiB = 300, 300
	})
	assert.NotContains(t, advice, "settings.cluster.ha:")
	assert.NotContains(t, advice, "settings.monitoring.volumeGiB:")
	assert.Contains(t, advice, "settings.budget.monthlyUsd: at least")
}

func TestSolveWithoutAPlanNamesTheSettingsThatGiveOne(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   string
	}{
		"memory": {func(s *settings.Settings) { s.App.Memory = "200Gi" }, "each of these changes alone gives a plan within $80.00:\n  settings.app.memory: remove it, for"},
		"memory on pinned nodes": {func(s *settings.Settings) { s.App.Memory, s.Nodes = "5Gi", settings.Nodes{Size: smallNode, Count: 2} },
			"\n  settings.app.memory: remove it, for"},
		"a pin and a budget that is too small": {func(s *settings.Settings) {
			s.Nodes, s.Budget.MonthlyUSD = settings.Nodes{Size: "s-1vcpu-2gb", Count: 1}, 100
		},
			"Each of these changes gives a plan without settings.nodes.size, settings.nodes.count:\n  settings.budget.monthlyUsd: at least 51.65"},
		"connections": {func(s *settings.Settings) { s.App.DatabasePool = 2000 }, "\n  settings.app.databasePool: at most 12 (now 2000), for"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stack(t, "demo")
			c.change(&s)
			_, err := sizing.Solve(s)
			assert.ErrorContains(t, err, c.want)
		})
	}
}
