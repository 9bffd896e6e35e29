package web

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/genericcorp/platform/showcase/internal/runs"
)

const (
	chartDays = 14
	// chartAgents is the number of agents with a colour of their own. The others share one.
	chartAgents = 5
	others      = "all others"
	// The size of the chart, in units of its view box.
	chartWidth, chartHeight, chartBar = 700, 180, 32
)

// bar is a rectangle of the chart.
type bar struct {
	X, Y, Height float64
	// Color is the number of the agent's colour.
	Color int
	Label string
}

// column is one day of the chart.
type column struct {
	X     float64
	Label string
}

type agentCost struct {
	Agent        string
	Color        int
	Runs, Failed int
	CostMicroUSD int64
}

type costPage struct {
	Days           []column
	Costs, Failed  []bar
	Agents         []agentCost
	MaxCost        int64
	MaxFailed      int
	Table          []runs.Day
	Width, Height  int
	TotalMicroUSD  int64
	TotalRuns, Bad int
}

func (a *Web) costs(ctx context.Context, q *request) (view, error) {
	first := a.clock().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-chartDays)
	days, err := runs.Daily(ctx, q.tx, first)
	if err != nil {
		return view{}, err
	}
	return view{page: "costs", title: "Costs and failures", data: chart(days, first)}, nil
}

// chart lays out the figures of some days from the day first on.
func chart(days []runs.Day, first time.Time) costPage {
	p := costPage{Agents: rank(days), Table: days, Width: chartWidth, Height: chartHeight}
	color := map[string]int{}
	for _, a := range p.Agents {
		color[a.Agent] = a.Color
		p.TotalMicroUSD, p.TotalRuns, p.Bad = p.TotalMicroUSD+a.CostMicroUSD, p.TotalRuns+a.Runs, p.Bad+a.Failed
	}
	cost, failed := make([]int64, chartDays), make([]int, chartDays)
	for _, d := range days {
		if i := index(d, first); i >= 0 {
			cost[i] += d.CostMicroUSD
			failed[i] += d.Failed
		}
	}
	p.MaxCost, p.MaxFailed = max(1, slices.Max(cost)), max(1, slices.Max(failed))
	step := float64(chartWidth) / chartDays
	for i := range chartDays {
		p.Days = append(p.Days, column{(float64(i) + 0.5) * step, first.AddDate(0, 0, i).Format("2 Jan")})
	}
	stack, pile := make([]float64, chartDays), make([]float64, chartDays)
	for _, d := range days {
		i := index(d, first)
		if i < 0 {
			continue
		}
		c, known := color[d.Agent]
		if !known {
			c = color[others]
		}
		x := float64(i)*step + (step-chartBar)/2
		label := d.Agent + ", " + d.Day.Format("2 Jan") + ": "
		if h := float64(d.CostMicroUSD) / float64(p.MaxCost) * chartHeight; h > 0 {
			stack[i] += h
			p.Costs = append(p.Costs, bar{x, chartHeight - stack[i], h, c, label + usd(d.CostMicroUSD)})
		}
		if h := float64(d.Failed) / float64(p.MaxFailed) * chartHeight / 2; h > 0 {
			pile[i] += h
			p.Failed = append(p.Failed, bar{x, chartHeight/2 - pile[i], h, c, label + group(d.Failed) + " failed"})
		}
	}
	return p
}

func index(d runs.Day, first time.Time) int {
	if i := int(d.Day.Sub(first).Hours() / 24); i < chartDays {
		return i
	}
	return -1
}

// rank returns the agents with the highest costs. The others are one entry.
func rank(days []runs.Day) []agentCost {
	sums := map[string]agentCost{}
	for _, d := range days {
		s := sums[d.Agent]
		sums[d.Agent] = agentCost{Agent: d.Agent, Runs: s.Runs + d.Runs, Failed: s.Failed + d.Failed, CostMicroUSD: s.CostMicroUSD + d.CostMicroUSD}
	}
	var list []agentCost
	for _, s := range sums {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b agentCost) int {
		return cmp.Or(cmp.Compare(b.CostMicroUSD, a.CostMicroUSD), cmp.Compare(a.Agent, b.Agent))
	})
	if len(list) > chartAgents {
		rest := agentCost{Agent: others}
		for _, s := range list[chartAgents:] {
			rest.Runs, rest.Failed, rest.CostMicroUSD = rest.Runs+s.Runs, rest.Failed+s.Failed, rest.CostMicroUSD+s.CostMicroUSD
		}
		list = append(list[:chartAgents], rest)
	}
	for i := range list {
		list[i].Color = i
	}
	return list
}
