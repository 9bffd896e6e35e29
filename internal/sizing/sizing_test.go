package sizing_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
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

// prices returns the sum of prices of the catalogue, by SKU.
func prices(t testing.TB, skus ...string) budget.Cents {
	t.Helper()
	var sum budget.Cents
	for _, sku := range skus {
		rows := catalog.Prices()
		i := slices.IndexFunc(rows, func(p catalog.Price) bool { return p.SKU == sku })
		require.GreaterOrEqual(t, i, 0, sku)
		sum += rows[i].Unit
	}
	return sum
}

// The sizes of demo and prod. Prod has two of the nodes.
const smallNode, smallDatabase, nextDatabase = "s-2vcpu-4gb", "db-s-1vcpu-1gb", "db-s-1vcpu-2gb"

// demoBill and prodBill return the bills of the stack files. stacks/testdata has them as
// literals.
func demoBill(t testing.TB) budget.Cents {
	return prices(t, smallNode, smallDatabase, "lb-regional") + 5*catalog.BlockStorage.Unit
}

func prodBill(t testing.TB) budget.Cents {
	return demoBill(t) + prices(t, smallNode) + 5*catalog.BlockStorage.Unit
}

func TestSolveChoosesOneNodeForDemoAndTwoForProd(t *testing.T) {
	demo, err := sizing.Solve(stack(t, "demo"))
	require.NoError(t, err)
	assert.Equal(t, sizing.Nodes{Size: "s-2vcpu-4gb", Count: 1}, demo.Nodes)
	assert.Equal(t, demoBill(t), demo.Bill.Total())
	prod, err := sizing.Solve(stack(t, "prod"))
	require.NoError(t, err)
	assert.Equal(t, sizing.Nodes{Size: "s-2vcpu-4gb", Count: 2}, prod.Nodes)
	assert.Equal(t, prodBill(t), prod.Bill.Total())
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
	assert.ErrorContains(t, err, "\n  settings.nodes.size: remove it, for "+demoBill(t).String()+" (1 × s-2vcpu-4gb")

}

func TestSolveKeepsTheRunningDatabaseWhenASmallerOneWouldDo(t *testing.T) {
	s := stack(t, "demo")
	s.Database.AtLeast = nextDatabase
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, nextDatabase, p.Database.Size)
	assert.Equal(t, demoBill(t)+prices(t, nextDatabase)-prices(t, smallDatabase), p.Bill.Total())
	assert.Contains(t, sizing.WhyDatabase(s, p), "kept, because a database never shrinks")

	s.Tenants, s.Budget.MonthlyUSD = starterTenants(300), 200_00
	p, err = sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, "db-s-2vcpu-4gb", p.Database.Size, "it still grows")

	s = stack(t, "demo")
	s.Database.AtLeast, s.Budget.MonthlyUSD = "db-s-2vcpu-4gb", demoBill(t)
	_, err = sizing.Solve(s)
	over := &budget.OverError{}
	require.ErrorAs(t, err, &over)
	assert.NotContains(t, over.Advice, "1 × db-s-1vcpu-1gb", "no advice needs a smaller database")
}

func TestSolveNamesWhatADatabaseSizeLacks(t *testing.T) {
	step := prices(t, nextDatabase) - prices(t, smallDatabase)
	standbyStep := 2 * (prices(t, "db-s-2vcpu-4gb") - prices(t, nextDatabase))
	for name, c := range map[string]struct {
		change func(*settings.Settings)
		want   string
	}{
		"connections of a pinned size": {func(s *settings.Settings) { s.Database.Size, s.App.DatabasePool = "db-s-1vcpu-1gb", 12 },
			"needs a size that admits 46 connections; db-s-1vcpu-2gb does, for " + step.String() + " more a month"},
		"storage of a pinned size": {func(s *settings.Settings) { s.Database.Size, s.Tenants = "db-s-1vcpu-1gb", starterTenants(150) },
			"needs a size that has 9600 MiB for tenants; db-s-1vcpu-2gb does"},
		"both of a pinned size, with a standby node": {func(s *settings.Settings) {
			s.Database.Size, s.Database.Standby, s.App.DatabasePool, s.Tenants = "db-s-1vcpu-2gb", true, 20, starterTenants(300)
		}, "admits 70 connections and has 19200 MiB for tenants; db-s-2vcpu-4gb does, for " + standbyStep.String() + " more a month"},
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
	assert.ErrorContains(t, err, "no database size has 83200 MiB for tenants; archive and purge tenants, or give them smaller tiers\n")
	assert.ErrorContains(t, err, "\n  settings.tenants, those that are not purged: at most 280 (now 1300), for")
}

func TestSolveReturnsAMisfitForAWorkloadThatFitsOnNoNode(t *testing.T) {
	s := stack(t, "demo")
	s.App.Memory = "20Gi"
	_, err := sizing.Solve(s)
	require.True(t, sizing.IsMisfit(err))
	assert.ErrorContains(t, err, "no node size fits")
}

func TestSolveTakesNodesThatIncludeTheTraffic(t *testing.T) {
	s := stack(t, "demo")
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	// 100 users with 18 requests a minute of 7 KiB in 31 days, and 4,000 GiB for s-2vcpu-4gb.
	const sent, included = 537, 4000
	bound := p.Bounds[slices.IndexFunc(p.Bounds, func(b sizing.Bound) bool { return b.Name == "outbound traffic (GiB a month)" })]
	assert.Equal(t, [2]int{sent, included}, [2]int{bound.Used, bound.Most})
	for _, more := range []func(*settings.Settings){
		func(s *settings.Settings) { s.App.ResponseKiB = 53 },
		func(s *settings.Settings) { s.App.ResponseKiB, s.Capacity.RequestsPerMinute = 30, 32 },
	} {
		busy := s
		more(&busy)
		p, err = sizing.Solve(busy)
		require.NoError(t, err)
		assert.Greater(t, p.Workload.TransferGiB, included)
		assert.GreaterOrEqual(t, p.IncludedTransferGiB(), p.Workload.TransferGiB)
		assert.ErrorContains(t, p.Cheaper.Err, "a month's traffic")
	}
	s.App.ResponseKiB = 52
	p, err = sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, demoBill(t), p.Bill.Total(), "3,985 GiB are included")
}

func TestSolveNamesTheSizeOfResponsesIfNoNodesIncludeTheTraffic(t *testing.T) {
	s := stack(t, "demo")
	s.App.ResponseKiB = 4096
	_, err := sizing.Solve(s)
	require.ErrorContains(t, err, "a month's traffic: the app sends up to 313875 GiB, and the price of 20 × ")
	assert.ErrorContains(t, err, "settings.app.responseKiB: at most ")
}

func TestSolveRefusesToSurviveANodeLossOnOneNode(t *testing.T) {
	s := stack(t, "demo")
	s.Capacity.SurviveNodeLoss = true
	s.Nodes.Count = 1
	_, err := sizing.Solve(s)
	assert.ErrorContains(t, err, "capacity.surviveNodeLoss needs at least 2 nodes")
}

func TestHeadroomForTenantsIsTheLargestNumberThatFits(t *testing.T) {
	s := stack(t, "demo")
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	room := sizing.HeadroomOf(s, p)
	pinned := s
	pinned.Nodes.Size, pinned.Nodes.Count, pinned.Database.Size = p.Nodes.Size, p.Nodes.Count, p.Database.Size
	pinned.Tenants = append(pinned.Tenants, starterTenants(room.Tenants.More)...)
	_, err = sizing.Solve(pinned)
	require.NoError(t, err)
	pinned.Tenants = append(pinned.Tenants, settings.Tenant{Name: "one-more"}.WithDefaults())
	_, err = sizing.Solve(pinned)
	require.ErrorContains(t, err, "MiB for tenants")
	assert.Contains(t, room.Tenants.BreaksOn, sizing.BoundStorage)
	assert.Equal(t, prices(t, nextDatabase)-prices(t, smallDatabase), room.Tenants.Step)
}

// starterTenants returns n tenants of the smallest tier.
func starterTenants(n int) []settings.Tenant {
	out := make([]settings.Tenant, n)
	for i := range out {
		out[i] = settings.Tenant{Name: fmt.Sprintf("tenant-%d", i)}.WithDefaults()
	}
	return out
}

// A suspended or archived tenant keeps its schema until it is purged.
func TestSolveCountsTheStorageOfEachTenantThatIsNotPurged(t *testing.T) {
	sizeWith := func(state string) string {
		s := stack(t, "demo")
		s.Tenants = starterTenants(150)
		for i := range s.Tenants[50:] {
			s.Tenants[50+i].State = state
		}
		p, err := sizing.Solve(s)
		require.NoError(t, err)
		return p.Database.Size
	}
	for _, state := range []string{settings.Active, settings.Suspended, settings.Archived} {
		assert.Equal(t, nextDatabase, sizeWith(state), state)
	}
	assert.Equal(t, smallDatabase, sizeWith(settings.Purged))
}

func TestSolveFitsAHundredStarterTenantsForTheSameBill(t *testing.T) {
	for name, bill := range map[string]budget.Cents{"demo": demoBill(t), "prod": prodBill(t)} {
		s := stack(t, name)
		s.Tenants = starterTenants(100)
		p, err := sizing.Solve(s)
		require.NoError(t, err, name)
		assert.Equal(t, bill, p.Bill.Total(), name)
		assert.Equal(t, 6, p.PoolerConnections, name)
	}
}

// 1,000 tenants need 421 MiB for their metrics, and a 4 GB node has no room for that.
func TestSolveCountsTheMetricsOfTheTenants(t *testing.T) {
	s := stack(t, "demo")
	s.Database = settings.Database{Kind: settings.External, Connections: 100}
	few, err := sizing.Solve(s)
	require.NoError(t, err)
	room := sizing.HeadroomOf(s, few).Tenants
	assert.Contains(t, room.BreaksOn, "rolling update", "the metrics of one more do not fit")
	s.Tenants = starterTenants(room.More + 1)
	same, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, few.Nodes, same.Nodes, "those that there is room for")
	s.Tenants = starterTenants(room.More + 2)
	many, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, room.Step, many.Bill.Total()-few.Bill.Total())
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
	for name, change := range map[string]func(*settings.Settings){
		"nothing fits":    func(s *settings.Settings) { s.App.Memory = "20Gi" },
		"over the budget": func(s *settings.Settings) { s.Capacity.ConcurrentUsers = 3000 },
	} {
		s := stack(b, "prod")
		change(&s)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := sizing.Solve(s); err == nil {
					b.Fatal("it fits")
				}
			}
		})
	}
}

func TestSolveCountsTheAllocatableMemoryThatTheSettingsCorrect(t *testing.T) {
	s := stack(t, "demo")
	before, err := sizing.Solve(s)
	require.NoError(t, err)
	node, err := catalog.NodeBySize(smallNode)
	require.NoError(t, err)
	s.Nodes.AllocatableMemory = map[string]string{smallNode: fmt.Sprintf("%dKi", (node.AllocatableMiB+20)*1024+1023), "c-2": "2Gi"}
	after, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, before.Fit[0].Free().MiB+20, after.Fit[0].Free().MiB, "rounded down to MiB")

	s.Nodes.AllocatableMemory[smallNode] = "2500Mi"
	p, err := sizing.Solve(s)
	require.NoError(t, err)
	assert.Equal(t, "s-4vcpu-8gb", p.Nodes.Size)
	assert.Equal(t, 1464, allocatableOf(t, "s-2vcpu-2gb"), "the catalogue is not changed")
}

func allocatableOf(t *testing.T, size string) int {
	t.Helper()
	node, err := catalog.NodeBySize(size)
	require.NoError(t, err)
	return node.AllocatableMiB
}
