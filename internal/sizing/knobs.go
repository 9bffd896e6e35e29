package sizing

import (
	"fmt"
	"slices"
	"sort"

	"github.com/genericcorp/platform/internal/settings"
)

// An extra is a setting that a plan can do without.
type extra struct {
	path string
	// write says what to write in its place.
	write string
	// on reports whether the settings use it and could do without it; off removes it.
	on  func(settings.Settings) bool
	off func(*settings.Settings)
}

// extras is sorted by what users lose: the first one is the easiest to give up.
var extras = []extra{
	{"settings.alerts.digitalocean.uptime", "remove it", func(s settings.Settings) bool { return len(s.Alerts.DigitalOcean.Uptime) > 0 },
		func(s *settings.Settings) { s.Alerts.DigitalOcean.Uptime = nil }},
	{"settings.cluster.ha", "false", func(s settings.Settings) bool { return s.Cluster.HA && !s.Cluster.HARuns },
		func(s *settings.Settings) { s.Cluster.HA = false }},
	{"settings.nodes.size", "remove it", func(s settings.Settings) bool { return s.Nodes.Size != "" },
		func(s *settings.Settings) { s.Nodes.Size = "" }},
	{"settings.nodes.count", "remove it", func(s settings.Settings) bool { return s.Nodes.Count != 0 },
		func(s *settings.Settings) { s.Nodes.Count = 0 }},
	{"settings.database.size", "remove it", func(s settings.Settings) bool { return s.Database.Size != "" },
		func(s *settings.Settings) { s.Database.Size = "" }},
	{"settings.app.memory", "remove it", func(s settings.Settings) bool { return s.App.Memory != "" },
		func(s *settings.Settings) { s.App.Memory = "" }},
	{"settings.app.cpu", "remove it", func(s settings.Settings) bool { return s.App.CPU != "" },
		func(s *settings.Settings) { s.App.CPU = "" }},
	{"settings.app.replicas", "remove it", func(s settings.Settings) bool { return s.App.Replicas != 0 },
		func(s *settings.Settings) { s.App.Replicas = 0 }},
	{"settings.database.standby", "false", func(s settings.Settings) bool { return s.Database.Standby },
		func(s *settings.Settings) { s.Database.Standby = false }},
	{"settings.capacity.surviveNodeLoss", "false", func(s settings.Settings) bool { return s.Capacity.SurviveNodeLoss },
		func(s *settings.Settings) { s.Capacity.SurviveNodeLoss = false }},
}

// An amount is a setting of which a plan may need less.
type amount struct {
	path string
	// now and least are what the settings say, and the least that they may say.
	now, least func(settings.Settings) int
	set        func(*settings.Settings, int)
}

// amounts is sorted like extras.
var amounts = []amount{
	{"settings.app.databasePool", func(s settings.Settings) int { return s.App.DatabasePool }, always(1),
		func(s *settings.Settings, n int) { s.App.DatabasePool = n }},
	{"settings.app.responseKiB", func(s settings.Settings) int { return s.App.ResponseKiB }, always(1),
		func(s *settings.Settings, n int) { s.App.ResponseKiB = n }},
	{"settings.monitoring.volumeGiB", func(s settings.Settings) int { return s.Monitoring.VolumeGiB },
		func(s settings.Settings) int { return max(1, s.Monitoring.AtLeastGiB) },
		func(s *settings.Settings, n int) { s.Monitoring.VolumeGiB = n }},
	{"settings.archive.volumeGiB", func(s settings.Settings) int { return s.Archive.VolumeGiB },
		func(s settings.Settings) int { return max(1, s.Archive.AtLeastGiB) },
		func(s *settings.Settings, n int) { s.Archive.VolumeGiB = n }},
	{"settings.capacity.requestsPerMinute", func(s settings.Settings) int { return s.Capacity.RequestsPerMinute }, always(1),
		func(s *settings.Settings, n int) { s.Capacity.RequestsPerMinute = n }},
	{"settings.capacity.concurrentUsers", func(s settings.Settings) int { return s.Capacity.ConcurrentUsers }, always(1),
		func(s *settings.Settings, n int) { s.Capacity.ConcurrentUsers = n }},
	{"settings.tenants, those that are not purged", func(s settings.Settings) int { return len(withSchema(s.Tenants)) }, always(0),
		func(s *settings.Settings, n int) { s.Tenants = withSchema(s.Tenants)[:n] }},
}

func always(n int) func(settings.Settings) int { return func(settings.Settings) int { return n } }

func withSchema(tenants []settings.Tenant) []settings.Tenant {
	return slices.DeleteFunc(slices.Clone(tenants), func(t settings.Tenant) bool { return !t.HasSchema() })
}

// atMost returns the largest amount below the present one with which the settings work. The
// last result is false if there is none.
func (a amount) atMost(s settings.Settings, works func(settings.Settings) bool) (int, bool) {
	least, now := a.least(s), a.now(s)
	with := func(n int) settings.Settings {
		less := s
		a.set(&less, n)
		return less
	}
	// Most amounts do not help, so the least is tried first.
	if least >= now || !works(with(least)) {
		return 0, false
	}
	return least + sort.Search(now-least-1, func(i int) bool { return !works(with(least + 1 + i)) }), true
}

// text says what to write, for example "settings.app.databasePool: at most 3 (now 12)".
func (a amount) text(s settings.Settings, most int) string {
	return fmt.Sprintf("%s: at most %d (now %d)", a.path, most, a.now(s))
}
