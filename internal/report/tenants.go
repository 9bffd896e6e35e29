package report

import (
	"fmt"

	"github.com/genericcorp/platform/internal/settings"
)

// Tenant is a tenant of the stack file.
type Tenant struct {
	Name string `json:"name"`
	Host string `json:"host"`
	// Plan is the name of its tier.
	Plan string `json:"plan"`
	// State is a state of settings.Tenant, such as "active".
	State string `json:"state"`
	// Connections is the number of database connections that its tier reserves.
	Connections int `json:"connections"`
	// Effect describes the tenant after an update.
	Effect string `json:"effect"`
}

// effects describes a tenant after an update, by its state.
var effects = map[string]string{
	settings.Active:    "role, schema and host are there",
	settings.Suspended: "no login, its host answers 503, its data stays",
	settings.Archived:  "suspended, its schema dumped to the archive and kept",
	settings.Purged:    "role and schema dropped; the archive stays",
}

// notDeclared takes the place of the state of a tenant that has no entry.
const notDeclared = "not declared"

func tenantsOf(s settings.Settings) []Tenant {
	out := []Tenant{}
	for _, t := range s.Tenants {
		out = append(out, Tenant{t.Name, t.Host(s.Domain), t.Plan, t.State, t.Reserved(), effectOf(t)})
	}
	return out
}

// effectOf describes a tenant after an update. It knows the stack file only, so it cannot
// say whether the tenant was purged before.
func effectOf(t settings.Tenant) string {
	switch {
	case t.Restore:
		return "restored from its newest archive, if it was purged; role, schema and host are there"
	case t.Fresh:
		return "starts again with an empty schema, if it was purged; the old archive stays"
	case t.RenamedFrom != "" && t.RedirectOldHost:
		return renameEffect(t) + "; the old host redirects; " + effects[t.State]
	case t.RenamedFrom != "":
		return renameEffect(t) + "; " + effects[t.State]
	}
	return effects[t.State]
}

func renameEffect(t settings.Tenant) string {
	return "renamed from " + t.RenamedFrom + ": schema, roles and host move; no copy"
}

// maxTenants is the number of tenants in the text. The JSON has all tenants.
const maxTenants = 20

func (p *printer) tenants(s Stack) {
	if len(s.TenantList) == 0 {
		return
	}
	p.line("\n tenants")
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
