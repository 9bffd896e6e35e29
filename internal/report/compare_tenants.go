package report

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
)

// tenants compares entry by entry, and refuses what an update would refuse as far as
// the other revision's file tells. A name that is not in that file may still be one
// that an earlier update purged or archived: the program knows, this does not.
func (c *Comparison) tenants(before, now settings.Settings) {
	was, history := byName(before.Tenants), lifecycle.Of(before.Tenants)
	refused := c.refuse(history, now.Tenants)
	for _, t := range now.Tenants {
		old, there := was[t.Name]
		first := was[t.RenamedFrom]
		renamed := !there && first.Name != ""
		switch {
		case renamed:
			old = first
			c.differ("tenant "+t.Name, old.Name, t.Name, effect(InPlace, refused[t.Name]), note(renameEffect(t), refused[t.Name]))
		case !there:
			old = settings.Tenant{State: notDeclared, Plan: t.Plan}
		}
		changed := InPlace
		if t.State == settings.Purged {
			changed = OneWay
		}
		c.differ("tenant "+t.Name, old.State, t.State, effect(changed, refused[t.Name]), note(becomes(old, t), refused[t.Name]))
		c.differ("tenant "+t.Name+"'s plan", old.Plan, t.Plan, InPlace, "")
		if old.State == t.State && !renamed && refused[t.Name] != "" {
			c.Changes = append(c.Changes, Change{"tenant " + t.Name, old.State, t.State, Refused, refused[t.Name]})
		}
	}
	c.vanished(history, was, now.Tenants)
}

// refuse notes what an update would refuse, and returns it by tenant.
func (c *Comparison) refuse(history lifecycle.History, now []settings.Tenant) map[string]string {
	out := map[string]string{}
	_, faults := history.Next(now)
	for _, f := range faults {
		subject := f.Tenant
		if strings.HasSuffix(f.Path, ".renamedFrom") {
			subject = byName(now)[f.Tenant].RenamedFrom
		}
		if _, known := history[subject]; known {
			c.Refused = append(c.Refused, f.String())
			out[f.Tenant] = f.Problem
		}
	}
	return out
}

// vanished reports entries that are gone. While others appear the program takes it
// for a rename, and refuses.
func (c *Comparison) vanished(history lifecycle.History, was map[string]settings.Tenant, now []settings.Tenant) {
	vanished, appeared := history.Vanished(now)
	effect, note := InPlace, "suspended and reported; nothing is dropped"
	if len(vanished) > 0 && len(appeared) > 0 {
		effect = Refused
		note = "others appear in the same update, which looks like a rename: write renamedFrom, or run two updates (docs/tenancy.md)"
		c.Refused = append(c.Refused, fmt.Sprintf("settings.tenants: %s vanished while %s appeared", strings.Join(vanished, ", "), strings.Join(appeared, ", ")))
	}
	for _, name := range vanished {
		c.differ("tenant "+name, was[name].State, notDeclared, effect, note)
	}
}

// becomes says what an update makes of a tenant that another revision left as old.
func becomes(old, now settings.Tenant) string {
	purged := old.State == settings.Purged
	switch {
	case now.Restore && purged:
		return "restored from its newest archive, rows and checksums compared; it gets another password"
	case now.Fresh && purged:
		return "an empty schema; the old archive stays; it gets another password"
	case old.State == notDeclared && (now.State == settings.Purged || now.State == settings.Archived):
		return "refused unless an earlier update had the tenant; " + effects[now.State]
	case old.State == notDeclared && now.Restore:
		return "refused unless an earlier update purged it; restored from its newest archive then"
	}
	return effects[now.State]
}

func effect(changed, refused string) string {
	if refused != "" {
		return Refused
	}
	return changed
}

func note(text, refused string) string {
	if refused != "" {
		return refused
	}
	return text
}

func byName(tenants []settings.Tenant) map[string]settings.Tenant {
	out := make(map[string]settings.Tenant, len(tenants))
	for _, t := range tenants {
		out[t.Name] = t
	}
	return out
}
