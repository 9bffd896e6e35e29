package report

import (
	"fmt"

	"github.com/genericcorp/platform/internal/settings"
)

// Tenant is a declared tenant, and what an update makes of it.
type Tenant struct {
	Name  string `json:"name"`
	Host  string `json:"host"`
	Plan  string `json:"plan"`
	State string `json:"state"`
	// Connections are the database connections that its plan reserves.
	Connections int `json:"connections"`
	// Effect says what is true after an update.
	Effect string `json:"effect"`
}

var effects = map[string]string{
	settings.Active:    "role, schema and host are there",
	settings.Suspended: "no login, its host answers 503, its data stays",
	settings.Archived:  "suspended, its schema dumped to the archive and kept",
	settings.Purged:    "role and schema dropped; the archive stays",
}

// notDeclared is what becomes of an entry that vanishes.
const notDeclared = "not declared"

func tenantsOf(s settings.Settings) []Tenant {
	out := []Tenant{}
	for _, t := range s.Tenants {
		out = append(out, Tenant{t.Name, t.Host(s.Domain), t.Plan, t.State, t.Reserved(), effects[t.State]})
	}
	return out
}

// maxTenants is how many the text lists; the JSON has all.
const maxTenants = 20

func (p *printer) tenants(s Stack) {
	if len(s.TenantList) == 0 {
		return
	}
	p.line("\n tenants: what an update makes of each")
	rows := [][]string{{"TENANT", "PLAN", "STATE", "RESERVED", "AFTER AN UPDATE"}}
	for i, t := range s.TenantList {
		if i == maxTenants {
			rows = append(rows, []string{fmt.Sprintf("and %d more: -format json lists them", len(s.TenantList)-i)})
			break
		}
		rows = append(rows, []string{t.Name, t.Plan, t.State, fmt.Sprint(t.Connections), t.Effect})
	}
	p.table(rows)
}

// tenants compares entry by entry. A name that is gone while another is new is
// what the program refuses as a rename.
func (c *Comparison) tenants(before, now []Tenant) {
	was, is := byName(before), byName(now)
	appeared := 0
	for _, t := range now {
		old, there := was[t.Name]
		if !there {
			appeared++
			old = Tenant{State: notDeclared, Plan: t.Plan}
		}
		effect := InPlace
		if t.State == settings.Purged {
			effect = OneWay
		}
		c.differ("tenant "+t.Name, old.State, t.State, effect, t.Effect)
		c.differ("tenant "+t.Name+"'s plan", old.Plan, t.Plan, InPlace, "")
	}
	for _, t := range before {
		if _, there := is[t.Name]; there || t.State == settings.Purged {
			continue
		}
		note := "suspended and reported; nothing is dropped"
		if appeared > 0 {
			note = "refused, as others appear in the same update: that is what a rename looks like (docs/tenancy.md)"
		}
		c.differ("tenant "+t.Name, t.State, notDeclared, InPlace, note)
	}
}

func byName(tenants []Tenant) map[string]Tenant {
	out := make(map[string]Tenant, len(tenants))
	for _, t := range tenants {
		out[t.Name] = t
	}
	return out
}
