package sizing_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

// randomCase returns settings without a tight budget, and a random workload.
func randomCase(t testing.TB, r *rand.Rand) (settings.Settings, workload.Set) {
	s := stack(t, []string{"demo", "prod"}[r.IntN(2)])
	s.Budget.MonthlyUSD = 1_000_000
	s.Cluster.HA = r.IntN(4) == 0
	s.Database.Standby = r.IntN(3) == 0
	set := workload.For(s)
	set.App.Replicas = 1 + r.IntN(6)
	set.App.Request = components.Resources{MilliCPU: 20 + r.IntN(900), MiB: 32 + r.IntN(1800)}
	set.App.Spread = r.IntN(2) == 0
	set.App.Connections = 1 + r.IntN(12)
	set.Grafana.Request.MiB = 128 + r.IntN(1200)
	set.VictoriaMetrics.VolumeGiB = 1 + r.IntN(40)
	set.NodeExporter.Request.MiB = r.IntN(200)
	return s, set
}

// bruteForce pins every size and every count up to 6, and returns the price of the
// cheapest plan that fits.
func bruteForce(s settings.Settings, set workload.Set) (budget.Cents, bool) {
	best, found := budget.Cents(0), false
	for _, node := range catalog.Nodes() {
		for count := 1; count <= 6 && !node.PinOnly; count++ {
			for _, database := range catalog.Databases() {
				s.Nodes = settings.Nodes{Size: node.SKU, Count: count}
				s.Database.Size = database.SKU
				if s.Database.Standby && database.MaxNodes < 2 {
					continue
				}
				p, err := sizing.SolveFor(s, set)
				if err == nil && (!found || p.Bill.Total() < best) {
					best, found = p.Bill.Total(), true
				}
			}
		}
	}
	return best, found
}

func TestSolveForFindsTheCheapestOfAllPlans(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	compared := 0
	for range 150 {
		s, set := randomCase(t, r)
		best, found := bruteForce(s, set)
		p, err := sizing.SolveFor(s, set)
		if !found || p.Nodes.Count > 6 {
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, best, p.Bill.Total())
		compared++
	}
	assert.Greater(t, compared, 100, "plans that were compared")
}

func TestSolveForNeverGetsCheaperWithMoreWorkload(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	compared := map[string]int{}
	for range 150 {
		s, set := randomCase(t, r)
		before, err := sizing.SolveFor(s, set)
		if err != nil {
			continue
		}
		for name, grow := range map[string]func(*workload.Set){
			"replicas":    func(w *workload.Set) { w.App.Replicas++ },
			"memory":      func(w *workload.Set) { w.App.Request.MiB += 64 },
			"cpu":         func(w *workload.Set) { w.App.Request.MilliCPU += 50 },
			"volume":      func(w *workload.Set) { w.VictoriaMetrics.VolumeGiB++ },
			"connections": func(w *workload.Set) { w.App.Connections++ },
		} {
			more := set
			grow(&more)
			if after, err := sizing.SolveFor(s, more); err == nil {
				assert.GreaterOrEqual(t, after.Bill.Total(), before.Bill.Total(), name)
				compared[name]++
			}
		}
	}
	assert.Len(t, compared, 5)
	for name, count := range compared {
		assert.Greater(t, count, 100, "plans with more %s that were compared", name)
	}
}

func TestSolveForReturnsTheSamePlanForTheSameWorkload(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	plans := 0
	for range 20 {
		s, set := randomCase(t, r)
		first, errFirst := sizing.SolveFor(s, set)
		second, errSecond := sizing.SolveFor(s, set)
		assert.Equal(t, first, second)
		assert.Equal(t, errFirst, errSecond)
		if errFirst == nil {
			plans++
		}
	}
	assert.Greater(t, plans, 10, "workloads that fit")
}
