package sizing

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
)

// knob is a setting that costs money, and how to go without it.
type knob struct {
	name string
	on   func(settings.Settings) bool
	off  func(*settings.Settings)
}

// knobs in the order in which an SRE would rather give them up.
var knobs = []knob{
	{"HA control plane", func(s settings.Settings) bool { return s.Cluster.HA },
		func(s *settings.Settings) { s.Cluster.HA = false }},
	{"the pin of nodes.size", func(s settings.Settings) bool { return s.Nodes.Size != "" },
		func(s *settings.Settings) { s.Nodes.Size = "" }},
	{"the pin of nodes.count", func(s settings.Settings) bool { return s.Nodes.Count != 0 },
		func(s *settings.Settings) { s.Nodes.Count = 0 }},
	{"the pin of database.size", func(s settings.Settings) bool { return s.Database.Size != "" },
		func(s *settings.Settings) { s.Database.Size = "" }},
	{"database.standby", func(s settings.Settings) bool { return s.Database.Standby },
		func(s *settings.Settings) { s.Database.Standby = false }},
	{"capacity.surviveNodeLoss", func(s settings.Settings) bool { return s.Capacity.SurviveNodeLoss },
		func(s *settings.Settings) { s.Capacity.SurviveNodeLoss = false }},
}

// advise names the setting that breaks the budget, or describes the cheapest plan
// without all of them.
func advise(s settings.Settings, derive derivation, over Plan) string {
	total := over.Bill.Total()
	stripped := s
	for _, k := range knobs {
		if !k.on(s) {
			continue
		}
		without := s
		k.off(&without)
		k.off(&stripped)
		if p, ok := cheaper(without, derive, over.Budget); ok {
			return fmt.Sprintf("%s (%s) is what breaks it; without it this plan costs %s (%s)",
				k.name, total-p.Bill.Total(), p.Bill.Total(), describe(p))
		}
	}
	if p, ok := cheaper(stripped, derive, over.Budget); ok {
		return fmt.Sprintf("no single setting breaks it; without any of its extras and pins this plan costs %s (%s)",
			p.Bill.Total(), describe(p))
	}
	volumes := lineOf(over.Bill, budget.ItemVolumes)
	if most := affordable(over, volumes); most > 0 {
		return fmt.Sprintf("settings.monitoring.volumeGiB (%s) is what breaks it; %d GiB and less keep the limit", volumes.Monthly(), most)
	}
	if p, err := solve(stripped, derive); err == nil {
		return fmt.Sprintf("nothing cheaper fits: the least for this workload is %s (%s); raise settings.budget.monthlyUsd, or lower settings.capacity.concurrentUsers (%d)",
			p.Bill.Total(), describe(p), s.Capacity.ConcurrentUsers)
	}
	return ""
}

func cheaper(s settings.Settings, derive derivation, limit budget.Cents) (Plan, bool) {
	p, err := solve(s, derive)
	return p, err == nil && p.Bill.Total() <= limit
}

// affordable returns how many units of a line the budget admits when all other lines
// stay, at least 0.
func affordable(p Plan, line budget.Line) int {
	if line.Unit == 0 {
		return 0
	}
	return max(0, int((p.Budget-p.Bill.Total()+line.Monthly())/line.Unit))
}

func lineOf(b budget.Bill, item string) budget.Line {
	for _, l := range b {
		if l.Item == item {
			return l
		}
	}
	return budget.Line{}
}

func describe(p Plan) string {
	text := "existing cluster"
	if p.Nodes.Size != "" {
		text = nodesText(p.Nodes.Size, p.Nodes.Count)
	}
	if p.Database.Size != "" {
		text += fmt.Sprintf(", %d × %s", p.Database.Nodes, p.Database.Size)
	}
	return text
}

// unpinned adds to a misfit of pinned nodes what would fit without the pin.
func unpinned(s settings.Settings, derive derivation, misfit error) error {
	if !IsMisfit(misfit) || s.Nodes == (settings.Nodes{}) {
		return misfit
	}
	s.Nodes = settings.Nodes{}
	p, err := solve(s, derive)
	if err != nil {
		return misfit
	}
	return fmt.Errorf("%w\nwithout the pin this plan costs %s (%s)", misfit, p.Bill.Total(), describe(p))
}
