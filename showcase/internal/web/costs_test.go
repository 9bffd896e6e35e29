package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/runs"
)

func TestTheChartStacksAgentsAndStaysInsideItsFrame(t *testing.T) {
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	p := chart([]runs.Day{
		{Day: first, Agent: "a", Runs: 2, CostMicroUSD: 3_000_000},
		{Day: first, Agent: "b", Runs: 1, Failed: 1, CostMicroUSD: 1_000_000},
		{Day: first.AddDate(0, 0, 13), Agent: "a", Runs: 1, Failed: 3, CostMicroUSD: 2_000_000},
		{Day: first.AddDate(0, 0, 14), Agent: "a", Runs: 1, CostMicroUSD: 9_000_000}, // after the last day
	}, first)
	require.Len(t, p.Costs, 3)
	require.Len(t, p.Failed, 2)
	assert.EqualValues(t, 4_000_000, p.MaxCost)
	assert.Equal(t, 3, p.MaxFailed)
	a, b, last := p.Costs[0], p.Costs[1], p.Costs[2]
	assert.InDelta(t, chartHeight*3/4, a.Height, 0.01)
	assert.InDelta(t, 0, b.Y, 0.01, "the highest day reaches the top")
	assert.InDelta(t, a.Y, b.Y+b.Height, 0.01, "b is on top of a")
	assert.InDelta(t, a.X, b.X, 0.01)
	assert.NotEqual(t, a.Color, b.Color)
	assert.LessOrEqual(t, last.X+chartBar, float64(chartWidth))
	assert.Equal(t, "a, 1 Nov: $3.00", a.Label)
	assert.Equal(t, "14 Nov", p.Days[13].Label)
}

func TestTheChartOfNothingHasNoBars(t *testing.T) {
	p := chart(nil, time.Now())
	assert.Empty(t, p.Costs)
	assert.Empty(t, p.Agents)
	assert.Len(t, p.Days, chartDays)
}

func TestManyAgentsShareTheLastColour(t *testing.T) {
	var days []runs.Day
	for i, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		days = append(days, runs.Day{Agent: name, Runs: 1, CostMicroUSD: int64(100 - i)})
	}
	list := rank(days)
	require.Len(t, list, chartAgents+1)
	assert.Equal(t, agentCost{Agent: others, Color: chartAgents, Runs: 2, CostMicroUSD: 189}, list[chartAgents])
	assert.Equal(t, "a", list[0].Agent)
}

func TestNumbersForPeople(t *testing.T) {
	assert.Equal(t, "1,234,567", group(1234567))
	assert.Equal(t, "0", group(int64(0)))
	assert.Equal(t, "$0.0012", usd(1200))
	assert.Equal(t, "$12.35", usd(12_345_678))
	assert.Equal(t, "$0.00", usd(0))
	assert.Equal(t, "0 s", took(0))
	assert.Equal(t, "3 min", took(3*time.Minute))
	assert.Equal(t, "59 min 5 s", took(59*time.Minute+5*time.Second))
	assert.Equal(t, "26 h 1 min", took(26*time.Hour+61*time.Second))
	assert.Equal(t, meter{"Runs", "150", "100", 100}, measure("Runs", 150, 100, group[int64]), "a meter ends at 100%")
	assert.Equal(t, meter{"Runs", "150", "no limit", -1}, measure("Runs", 150, 0, group[int64]))
}
