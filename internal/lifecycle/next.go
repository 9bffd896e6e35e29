package lifecycle

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/settings"
)

// Fault is a change that an update refuses.
type Fault struct {
	// Tenant is the name of the entry that has the fault.
	Tenant string
	settings.Fault
}

// Next returns the history after an update with these tenants, and all faults. It does not
// change its receiver. If there are no faults, the same tenants again return the same
// history.
func (h History) Next(tenants []settings.Tenant) (History, []Fault) {
	next := h.withoutEntries()
	var faults []Fault
	for i, t := range tenants {
		c := change{Tenant: t, path: fmt.Sprintf("settings.tenants[%d]", i), history: h}
		c.before, c.known = h[t.Name]
		if t.RenamedFrom != "" && !h.hasRenamed(t.RenamedFrom, t.Name) {
			next[t.RenamedFrom] = Record{State: Renamed, Life: max(1, h[t.RenamedFrom].Life)}
			c.checkRename()
		} else {
			c.checkState()
		}
		next[t.Name] = c.after()
		faults = append(faults, c.faults...)
	}
	return next, faults
}

// withoutEntries returns the history after an update without any tenant. Active tenants
// are suspended; nothing is dropped.
func (h History) withoutEntries() History {
	out := History{}
	for name, r := range h {
		if r.State == settings.Active {
			r.State = settings.Suspended
		}
		r.Declared, r.Restore, r.Fresh = false, false, false
		out[name] = r
	}
	return out
}

// hasRenamed reports whether an earlier update carried out a rename. Then renamedFrom may
// stay in the entry and has no effect.
func (h History) hasRenamed(from, to string) bool {
	return h[to].RenamedFrom == from && h[from].State == Renamed
}

// change is one entry of the stack file and the record of its name.
type change struct {
	settings.Tenant
	// path is the entry's path in the stack file, such as "settings.tenants[0]".
	path    string
	history History
	// before is the record of the entry's name. It is empty if known is false.
	before Record
	known  bool
	faults []Fault
}

// nameIsFree reports whether no tenant has the name, and no purged tenant had it.
func (c *change) nameIsFree() bool { return !c.known || c.before.State == Renamed }

func (c *change) addFault(key, problem string, args ...any) {
	c.faults = append(c.faults, Fault{c.Name, settings.Fault{Path: c.path + "." + key, Problem: fmt.Sprintf(problem, args...)}})
}

func (c *change) checkState() {
	switch {
	case c.nameIsFree():
		c.checkNew()
	case c.before.State == settings.Purged:
		c.checkPurged()
	default:
		c.checkExisting()
	}
}

func (c *change) checkNew() {
	if c.State == settings.Purged || c.State == settings.Archived {
		c.addFault("state", "no update of this stack had a tenant %q, so nothing can be %s; take the entry out, or write state: active for a new tenant", c.Name, c.State)
	}
	if c.Restore {
		c.addFault("restore", "no update of this stack purged a tenant %q; take restore: true out", c.Name)
	}
}

func (c *change) checkPurged() {
	revived := c.State == settings.Active && (c.Restore || c.Fresh)
	if c.State == settings.Purged || revived {
		return
	}
	c.addFault("state", "%q was purged; to have it back, write state: active with restore: true (its newest archive) "+
		"or fresh: true (an empty schema; the archive stays)", c.Name)
}

func (c *change) checkExisting() {
	if c.State == settings.Purged && c.before.State != settings.Archived {
		c.addFault("state", "only an archived tenant can be purged, and the last update left %q %s; write state: archived, run that update, then purge",
			c.Name, c.before.State)
	}
	for _, s := range []struct {
		key      string
		set, had bool
	}{{"restore", c.Restore, c.before.Restore}, {"fresh", c.Fresh, c.before.Fresh}} {
		if s.set && !s.had {
			c.addFault(s.key, "applies only to a tenant that was purged, and the last update left %q %s; take it out. "+
				"If an update that purges it was interrupted, finish that first: state: purged and confirmPurge: %[1]s", c.Name, c.before.State)
		}
	}
}

func (c *change) checkRename() {
	old, known := c.history[c.RenamedFrom]
	switch {
	case !known:
		c.addFault("renamedFrom", "no update of this stack had a tenant %q; write the name that the tenant has now, or take renamedFrom out", c.RenamedFrom)
	case old.State == settings.Purged:
		c.addFault("renamedFrom", "%q was purged; bring it back under that name first, then rename it", c.RenamedFrom)
	case old.State == settings.Archived:
		c.addFault("renamedFrom", "%q is archived, and an archive is restored under the name that it was written with; "+
			"write state: suspended under that name, run that update, then rename and archive again", c.RenamedFrom)
	case old.State == Renamed:
		c.addFault("renamedFrom", "%q has another name already%s; take renamedFrom out, or write the name that the tenant has now",
			c.RenamedFrom, c.history.successor(c.RenamedFrom))
	}
	switch {
	case c.nameIsFree():
	case c.before.State == settings.Purged:
		c.addFault("name", "%q was the name of a tenant that was purged, and its archive is still there; choose another name", c.Name)
	default:
		c.addFault("name", "there is a tenant %q already (%s), so %q cannot take its name; choose another name, or take renamedFrom out",
			c.Name, c.before.State, c.RenamedFrom)
	}
}

// successor returns the present name of the tenant that had a name before, as ", " and
// the quoted name. It returns "" if there is none.
func (h History) successor(name string) string {
	for other, r := range h {
		if r.RenamedFrom == name {
			return fmt.Sprintf(", %q", other)
		}
	}
	return ""
}

// after returns the record of the entry's name after the update.
func (c *change) after() Record {
	r := Record{State: c.State, Declared: true, Life: c.life(), Restore: c.Restore, Fresh: c.Fresh, RenamedFrom: c.before.RenamedFrom}
	if c.RenamedFrom != "" {
		r.RenamedFrom = c.RenamedFrom
	}
	return r
}

// life returns the record's life after the update. It rises when another tenant gets the
// name. A new entry with fresh starts at 2, because its purged tenant was the first life
// and is not in the history.
func (c *change) life() int {
	switch {
	case !c.known && c.Fresh:
		return 2
	case !c.known:
		return 1
	case c.before.State == Renamed, c.before.State == settings.Purged && c.State == settings.Active:
		return c.before.Life + 1
	}
	return c.before.Life
}

// Vanished returns the names whose entries were deleted since the last update, and the
// names whose entries are new. Both are sorted. A renamed tenant is in neither.
func (h History) Vanished(tenants []settings.Tenant) (vanished, appeared []string) {
	there := map[string]bool{}
	for _, t := range tenants {
		there[t.Name], there[t.RenamedFrom] = true, true
		if !h[t.Name].Declared && (t.RenamedFrom == "" || h.hasRenamed(t.RenamedFrom, t.Name)) {
			appeared = append(appeared, t.Name)
		}
	}
	for name, r := range h {
		if r.Declared && r.State != settings.Purged && !there[name] {
			vanished = append(vanished, name)
		}
	}
	slices.Sort(vanished)
	slices.Sort(appeared)
	return vanished, appeared
}
