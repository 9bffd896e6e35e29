package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
)

// tenants compares the entries of both files. It marks the changes that an update would
// refuse. It knows the two files only. A name that the older file lacks may be one that an
// earlier update purged or archived. Only the Pulumi program knows that.
func (c *Comparison) tenants(before, now settings.Settings) {
	was, history := byName(before.Tenants), lifecycle.Of(before.Tenants)
	refused := c.addRefused(history, now.Tenants)
	for _, t := range now.Tenants {
		old, there := was[t.Name]
		renamed := !there && was[t.RenamedFrom].Name != ""
		switch {
		case renamed:
			old = was[t.RenamedFrom]
			c.addIfDifferent("tenant "+t.Name, old.Name, t.Name, effectUnless(refused[t.Name], InPlace), noteUnless(refused[t.Name], renameEffect(t)))
		case !there:
			old = settings.Tenant{State: notDeclared, Plan: t.Plan}
		}
		effect := InPlace
		if t.State == settings.Purged {
			effect = OneWay
		}
		c.addIfDifferent("tenant "+t.Name, old.State, t.State, effectUnless(refused[t.Name], effect), noteUnless(refused[t.Name], noteOnChange(old, t)))
		c.addIfDifferent("tenant "+t.Name+"'s plan", old.Plan, t.Plan, InPlace, "")
		if there {
			c.tenantSettings(old, t)
		}
		if old.State == t.State && !renamed && refused[t.Name] != "" {
			c.Changes = append(c.Changes, Change{"tenant " + t.Name, old.State, t.State, Refused, refused[t.Name]})
		}
	}
	c.vanished(history, was, now.Tenants)
}

// tenantSettings adds the changes of what else an entry of a tenant says.
func (c *Comparison) tenantSettings(old, now settings.Tenant) {
	of := "tenant " + now.Name + "'s "
	c.addIfDifferent(of+"passwordVersion", old.PasswordVersion, now.PasswordVersion, OneWay, "the old connection string stops working")
	c.addIfDifferent(of+"ownsSchema", old.OwnsSchema, now.OwnsSchema, InPlace, "its own sessions may change its schema, or no longer")
	c.addIfDifferent(of+"sampleData", old.SampleData, now.SampleData, InPlace, "it fills an empty schema only")
	c.addIfDifferent(of+"redirectOldHost", old.RedirectOldHost, now.RedirectOldHost, InPlace, "")
}

// addRefused adds the changes that an update would refuse to c.Refused. It returns the
// reason for each, by tenant.
func (c *Comparison) addRefused(history lifecycle.History, now []settings.Tenant) map[string]string {
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

// vanished adds a change for each entry that was deleted. If other entries appear in the
// same update, the update refuses both, because they may be a rename without renamedFrom.
func (c *Comparison) vanished(history lifecycle.History, was map[string]settings.Tenant, now []settings.Tenant) {
	vanished, appeared := history.Vanished(now)
	effect, note := InPlace, "the tenant is suspended; nothing is dropped"
	if len(vanished) > 0 && len(appeared) > 0 {
		effect = Refused
		note = "others appear in the same update, and that looks like a rename: write renamedFrom, or run two updates (docs/tenancy.md)"
		c.Refused = append(c.Refused, fmt.Sprintf("settings.tenants: %s vanished while %s appeared", strings.Join(vanished, ", "), strings.Join(appeared, ", ")))
	}
	for _, name := range vanished {
		c.addIfDifferent("tenant "+name, was[name].State, notDeclared, effect, note)
	}
}

// noteOnChange describes what an update does with a tenant whose entry changed.
func noteOnChange(old, now settings.Tenant) string {
	purged := old.State == settings.Purged
	switch {
	case now.Restore && purged:
		return "restored from its newest archive; rows and checksums are compared; it gets another password"
	case now.Fresh && purged:
		return "an empty schema; the old archive stays; it gets another password"
	case old.State == notDeclared && (now.State == settings.Purged || now.State == settings.Archived):
		return "refused unless an earlier update had the tenant; " + effects[now.State]
	case old.State == notDeclared && now.Restore:
		return "refused unless an earlier update purged it; then it is restored from its newest archive"
	}
	return effects[now.State]
}

// effectUnless returns Refused if there is a reason to refuse, else the effect.
func effectUnless(refused, effect string) string {
	if refused != "" {
		return Refused
	}
	return effect
}

// noteUnless returns the reason to refuse if there is one, else the note.
func noteUnless(refused, note string) string {
	return cmp.Or(refused, note)
}

func byName(tenants []settings.Tenant) map[string]settings.Tenant {
	out := make(map[string]settings.Tenant, len(tenants))
	for _, t := range tenants {
		out[t.Name] = t
	}
	return out
}
