package sizing_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

func stack(t testing.TB, name string) settings.Settings {
	t.Helper()
	data, err := os.ReadFile("../../Pulumi." + name + ".yaml")
	require.NoError(t, err)
	s, err := settings.LoadStackFile(data)
	require.NoError(t, err)
	return s
}

func TestSolveChoosesOneNodeForDemoAndTwoForProd(t *testing.T) {
	demo, err := sizing.Solve(stack(t, "demo"))
	require.NoError(t, err)
	assert.Equal(t, sizing.Nodes{Size: "s-2vcpu-4gb", Count: 1}, demo.Nodes)
	assert.Equal(t, budget.Cents(5165), demo.Bill.Total())
	prod, err := sizing.Solve(stack(t, "prod"))
	require.NoError(t, err)
	assert.Equal(t, sizing.Nodes{Size: "s-2vcpu-4gb", Count: 2}, prod.Nodes)
	assert.Equal(t, budget.Cents(7615), prod.Bill.Total())
	assert.Equal(t, "one node gone", prod.Fit[2].Name)
	assert.Len(t, prod.Fit[2].Nodes, 1)
}

func TestSolveKeepsPinsAndRefusesThoseThatAreTooSmall(t *testing.T) {
	s := stack(t, "demo")
	s.Nodes = settings.Nodes{Size: "s-2vcpu-4gb", Count: 2}
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, 2, p.Nodes.Count, "one node is enough, but two are pinned")

	s.Nodes = settings.Nodes{Size: "s-1vcpu-2gb", Count: 1}
	_, err = sizing.Solve(s)
	assert.True(t, sizing.IsMisfit(err))
	assert.ErrorContains(t, err, "settings.nodes pins 1 × s-1vcpu-2gb")
	assert.ErrorContains(t, err, "without the pin this plan costs $51.65 (1 × s-2vcpu-4gb")

}

func TestSolveNamesWhatADatabaseSizeLacks(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   string
	}{
		"connections of a pinned size": {func(s *settings.Settings) { s.Database.Size, s.App.DatabasePool = "db-s-1vcpu-1gb", 12 },
			"needs a size that admits 46 connections; db-s-1vcpu-2gb does, for $15.30 more a month"},
		"storage of a pinned size": {func(s *settings.Settings) { s.Database.Size, s.Tenants = "db-s-1vcpu-1gb", starterTenants(150) },
			"needs a size that has 9600 MiB for tenants; db-s-1vcpu-2gb does"},
		"both of a pinned size, with a standby node": {func(s *settings.Settings) {
			s.Database.Size, s.Database.Standby, s.App.DatabasePool, s.Tenants = "db-s-1vcpu-2gb", true, 20, starterTenants(300)
		}, "admits 70 connections and has 19200 MiB for tenants; db-s-2vcpu-4gb does, for $60.90 more a month"},
		"a pin that no size can replace": {func(s *settings.Settings) { s.Database.Size, s.App.DatabasePool = "db-s-1vcpu-1gb", 90 },
			"admits 280 connections; no larger size does"},
		"an unknown pin": {func(s *settings.Settings) { s.Database.Size = "db-s-9vcpu" },
			"settings.database.size: \"db-s-9vcpu\" is not a database size"},
		"connections of every size": {func(s *settings.Settings) { s.App.DatabasePool = 90 },
			"no database size admits 280 connections; lower settings.app.databasePool (90 for each of 2 replicas and 1 more in a rolling update)"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stack(t, "demo")
			c.change(&s)
			_, err := sizing.Solve(s)
			require.ErrorContains(t, err, c.want)
		})
	}
	s := stack(t, "demo")
	s.Tenants = starterTenants(1300)
	_, err := sizing.Solve(s)
	assert.EqualError(t, err, "no database size has 83200 MiB for tenants; suspend tenants, or give them smaller tiers")
}

func TestSolveReturnsAMisfitForAWorkloadThatFitsOnNoNode(t *testing.T) {
	s := stack(t, "demo")
	s.App.Memory = "20Gi"
	_, err := sizing.Solve(s)
	require.True(t, sizing.IsMisfit(err))
	assert.ErrorContains(t, err, "no node size fits")
}

func TestSolveRefusesToSurviveANodeLossOnOneNode(t *testing.T) {
	s := stack(t, "demo")
	s.Capacity.SurviveNodeLoss = true
	s.Nodes.Count = 1
	_, err := sizing.Solve(s)
	assert.ErrorContains(t, err, "capacity.surviveNodeLoss needs at least 2 nodes")
}

func TestSolveOverBudgetAdvisesTheSettingAndThePlanWithoutIt(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		advice string
	}{
		"HA": {func(s *settings.Settings) { s.Cluster.HA = true },
			"HA control plane ($40.00) breaks the budget; without it this plan costs $76.15"},
		"a standby":     {func(s *settings.Settings) { s.Database.Standby = true }, "database.standby ($45.75) breaks the budget"},
		"a pinned size": {func(s *settings.Settings) { s.Nodes.Size = "s-4vcpu-8gb" }, "the pin of nodes.size ($48.00) breaks the budget"},
		"two settings":  {func(s *settings.Settings) { s.Cluster.HA, s.Nodes.Size = true, "c-4" }, "several settings together break the budget"},
		"a volume":      {func(s *settings.Settings) { s.Monitoring.VolumeGiB = 300 }, "settings.monitoring.volumeGiB ($30.00) breaks the budget; at most 48 GiB are within it"},
		"an archive": {func(s *settings.Settings) { s.Archive.VolumeGiB = 300 },
			"settings.archive.volumeGiB and settings.monitoring.volumeGiB ($31.00) break the budget; at most 48 GiB together are within it"},
		"a large app": {func(s *settings.Settings) { s.App.Replicas, s.App.CPU, s.App.Memory = 4, "500m", "2Gi" },
			"raise settings.budget.monthlyUsd, or lower settings.app.replicas (4), settings.app.cpu (500m), settings.app.memory (2Gi)"},
		"many users": {func(s *settings.Settings) { s.Capacity.ConcurrentUsers = 1000 },
			"raise settings.budget.monthlyUsd, or lower settings.capacity.concurrentUsers (1000)"},
		"many tenants": {func(s *settings.Settings) { s.Tenants, s.Budget.MonthlyUSD = starterTenants(150), 5000 },
			"or lower settings.capacity.concurrentUsers (100), the storage of tenants (9600 MiB)"},
		"many connections": {func(s *settings.Settings) { s.App.DatabasePool, s.Budget.MonthlyUSD = 12, 5000 },
			"settings.app.databasePool (12)"},
		"a tiny limit": {func(s *settings.Settings) { s.Budget.MonthlyUSD = 4000 }, "raise settings.budget.monthlyUsd"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stack(t, "prod")
			c.change(&s)
			_, err := sizing.Solve(s)
			over := &budget.OverError{}
			require.ErrorAs(t, err, &over)
			assert.Contains(t, over.Advice, c.advice)
		})
	}
}

func TestHeadroomForTenantsIsTheLargestNumberThatFits(t *testing.T) {
	s := stack(t, "demo")
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	room := sizing.HeadroomOf(s, p)
	pinned := s
	pinned.Nodes, pinned.Database.Size = settings.Nodes(p.Nodes), p.Database.Size
	pinned.Tenants = append(pinned.Tenants, starterTenants(room.Tenants.More)...)
	_, err = sizing.Solve(pinned)
	require.NoError(t, err)
	pinned.Tenants = append(pinned.Tenants, settings.Tenant{Name: "one-more"}.WithDefaults())
	_, err = sizing.Solve(pinned)
	require.ErrorContains(t, err, "MiB for tenants")
	assert.Contains(t, room.Tenants.BreaksOn, sizing.BoundStorage)
	assert.Equal(t, budget.Cents(1530), room.Tenants.Step)
}

// starterTenants returns n tenants of the smallest tier.
func starterTenants(n int) []settings.Tenant {
	out := make([]settings.Tenant, n)
	for i := range out {
		out[i] = settings.Tenant{Name: fmt.Sprintf("tenant-%d", i)}.WithDefaults()
	}
	return out
}

func TestSolveFitsAHundredStarterTenantsForTheSameBill(t *testing.T) {
	for name, bill := range map[string]budget.Cents{"demo": 5165, "prod": 7615} {
		s := stack(t, name)
		s.Tenants = starterTenants(100)
		p, err := sizing.Solve(s)
		require.NoError(t, err, name)
		assert.Equal(t, bill, p.Bill.Total(), name)
		assert.Equal(t, 6, p.PoolerConnections, name)
	}
}

func TestReservedConnectionsReduceThoseThatTenantsShare(t *testing.T) {
	s := stack(t, "prod")
	large := settings.Tenant{Name: "large", Plan: "enterprise"}.WithDefaults()
	s.Tenants = []settings.Tenant{large}
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, 4, p.PoolerConnections, "the tenant reserves two in each pooler")
	assert.Equal(t, "db-s-1vcpu-1gb", p.Database.Size)
	second := large
	second.Name = "larger"
	s.Tenants = append(s.Tenants, second)
	p, err = sizing.SolveFor(s, workload.For(s))
	var over *budget.OverError
	require.ErrorAs(t, err, &over, "the next database size is over prod's budget")
	assert.Equal(t, "db-s-1vcpu-2gb", p.Database.Size)
}

func TestSolveBillsNothingForAnExistingClusterAndAnExternalDatabase(t *testing.T) {
	s := stack(t, "demo")
	s.Cluster.Kind, s.Database.Kind = settings.Existing, settings.External
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Zero(t, p.Bill.Total())
	assert.Empty(t, p.Fit)
}

func BenchmarkSolve(b *testing.B) {
	for _, name := range []string{"demo", "prod"} {
		s := stack(b, name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := sizing.Solve(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("nothing fits", func(b *testing.B) {
		s := stack(b, "prod")
		s.App.Memory = "20Gi"
		for b.Loop() {
			if _, err := sizing.Solve(s); err == nil {
				b.Fatal("it fits")
			}
		}
	})
}
