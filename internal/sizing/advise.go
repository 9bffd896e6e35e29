package sizing

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
)

// costlySetting is a setting that can raise the price of a plan.
type costlySetting struct {
	// name is how messages name it.
	name string
	// on reports whether the settings use it; off removes it from them.
	on  func(settings.Settings) bool
	off func(*settings.Settings)
}

// costlySettings is sorted by what users lose: the first one is the easiest to give up.
var costlySettings = []costlySetting{
	{"alerts.digitalocean.uptime", func(s settings.Settings) bool { return len(s.Alerts.DigitalOcean.Uptime) > 0 },
		func(s *settings.Settings) { s.Alerts.DigitalOcean.Uptime = nil }},
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

// advise says how to bring a plan that is over its budget within it. It tries, in this
// order: one costly setting less, all of them less, and smaller volumes.
// Then it gives the price of the cheapest plan. It returns "" if no plan fits.
func advise(s settings.Settings, derive derivation, over Plan) string {
	total := over.Bill.Total()
	minimal := s
	for _, setting := range costlySettings {
		if !setting.on(s) {
			continue
		}
		without := s
		setting.off(&without)
		setting.off(&minimal)
		if p, ok := planWithin(without, derive, over.Budget); ok {
			return fmt.Sprintf("%s (%s) breaks the budget; without it this plan costs %s (%s)",
				setting.name, total-p.Bill.Total(), p.Bill.Total(), describe(p))
		}
	}
	if p, ok := planWithin(minimal, derive, over.Budget); ok {
		return fmt.Sprintf("several settings together break the budget; without any extra or pin this plan costs %s (%s)",
			p.Bill.Total(), describe(p))
	}
	volumes := lineOf(over.Bill, budget.ItemVolumes)
	if most := affordableUnits(over, volumes); most > 0 {
		if s.Archive.VolumeGiB > 0 {
			return fmt.Sprintf("settings.archive.volumeGiB and settings.monitoring.volumeGiB (%s) break the budget; at most %d GiB together are within it",
				volumes.Monthly(), most)
		}
		return fmt.Sprintf("settings.monitoring.volumeGiB (%s) breaks the budget; at most %d GiB are within it", volumes.Monthly(), most)
	}
	if p, err := solve(minimal, derive); err == nil {
		return fmt.Sprintf("nothing cheaper fits: the cheapest plan for this workload costs %s (%s); raise settings.budget.monthlyUsd, or lower %s",
			p.Bill.Total(), describe(p), strings.Join(lowerable(minimal, p), ", "))
	}
	return ""
}

// lowerable names what makes a plan as large as it is: the settings from which the app's
// Pods follow and, unless the database has the smallest size, what the next smaller size
// lacks.
func lowerable(s settings.Settings, p Plan) []string {
	var out []string
	add := func(set bool, format string, value any) {
		if set {
			out = append(out, fmt.Sprintf(format, value))
		}
	}
	add(s.App.Replicas == 0 || s.App.CPU == "" || s.App.Memory == "", "settings.capacity.concurrentUsers (%d)", s.Capacity.ConcurrentUsers)
	add(s.App.Replicas > 0, "settings.app.replicas (%d)", s.App.Replicas)
	add(s.App.CPU != "", "settings.app.cpu (%s)", s.App.CPU)
	add(s.App.Memory != "", "settings.app.memory (%s)", s.App.Memory)
	if smaller, ok := nextSmaller(p.Database.Size); ok {
		need := demandOf(s, p.Workload)
		add(smaller.Connections < need.connections, "settings.app.databasePool (%d)", s.App.DatabasePool)
		add(smaller.TenantsMiB() < need.storageMiB, "the storage of tenants (%d MiB)", need.storageMiB)
	}
	return out
}

// planWithin returns the cheapest plan, and whether there is one within the limit.
func planWithin(s settings.Settings, derive derivation, limit budget.Cents) (Plan, bool) {
	p, err := solve(s, derive)
	return p, err == nil && p.Bill.Total() <= limit
}

// affordableUnits returns how many units of a line are within the budget if all other
// lines stay. It returns 0 if not even one is.
func affordableUnits(p Plan, line budget.Line) int {
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

// addPriceWithoutPin adds to the error of pinned nodes the cheapest plan without the pin.
func addPriceWithoutPin(s settings.Settings, derive derivation, misfit error) error {
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
