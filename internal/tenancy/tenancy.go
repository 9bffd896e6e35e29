// Package tenancy turns declared tenants into what the database runs and what the
// app gets: the reconcile script, the roles' passwords, and connection strings.
package tenancy

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
)

// scripts are what the reconcile Job runs: reconcile.sh says in which order.
//
//go:embed reconcile
var scripts embed.FS

// Files returns what the reconcile Job runs, by file name. The Job starts Entrypoint.
// The app's own role gets a limit of appConnections. Nothing in the files is secret.
func Files(tenants []settings.Tenant, appRole string, appConnections int) map[string]string {
	files := map[string]string{"desired.sql": desired(tenants, appRole, appConnections)}
	entries, err := scripts.ReadDir("reconcile")
	for _, entry := range entries {
		var text []byte
		if text, err = scripts.ReadFile("reconcile/" + entry.Name()); err != nil {
			break
		}
		files[entry.Name()] = string(text)
	}
	if err != nil {
		panic(err) // the files are part of the program
	}
	return files
}

// Entrypoint is run by a POSIX shell with the variables that its head lists, and
// libpq's own.
const Entrypoint = "reconcile.sh"

// ExitRefused is the Entrypoint's exit status for a declaration that cannot be
// carried out, such as a purge without an archive. Another try would be refused too.
const ExitRefused = 65

// ExitTenants is the Entrypoint's exit status when tenants failed and the others are as
// declared. A later run may complete them.
const ExitTenants = 75

// Variables of the Entrypoint. With TolerateTenants a run in which tenants failed prints
// them and exits with 0. A run with Scheduled repeats what the last update applied; before
// the first update, or with another declaration, it changes nothing.
const (
	VariableTolerate  = "TOLERATE"
	TolerateTenants   = "tenants"
	VariableScheduled = "SCHEDULED"
	Scheduled         = "true"
)

// The files of the credentials' folder: what roles' passwords are set from, and the
// passwords that the Job itself logs in with, in the form of libpq's password file.
const (
	VerifiersFile = "verifiers.csv"
	PasswordsFile = "pgpass"
)

// desired fills the tables that reconcile.sql compares the database with.
func desired(tenants []settings.Tenant, appRole string, appConnections int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "INSERT INTO parameters VALUES (%s, %d);\n", Literal(appRole), appConnections)
	if len(tenants) == 0 {
		return b.String()
	}
	b.WriteString("INSERT INTO desired (name, role, owner, state, connections, statement_timeout, sample_data, restore, owns_schema, fresh, renamed_from, storage_mib) VALUES")
	for i, t := range tenants {
		separator := ","
		if i == 0 {
			separator = ""
		}
		tier := t.Tier()
		fmt.Fprintf(&b, "%s\n  (%s, %s, %s, %s, %d, '%ds', %t, %t, %t, %t, %s, %d)", separator, Literal(t.Name), Literal(names.SQL(t.Name)), Literal(names.Owner(t.Name)),
			Literal(t.State), tier.Connections(), tier.StatementSeconds, t.SampleData, t.Restore, t.OwnsSchema, t.Fresh, Literal(t.RenamedFrom), tier.StorageMiB)
	}
	b.WriteString(";\n")
	return b.String()
}

// Literal quotes text as an SQL string, whatever is in it and however the server
// reads backslashes.
func Literal(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// entry is a tenant as the app reads it.
type entry struct {
	Name   string `json:"name"`
	Host   string `json:"host"`
	Plan   string `json:"plan"`
	State  string `json:"state"`
	Role   string `json:"role"`
	Schema string `json:"schema"`
}

// List is the file tenants.json of the app contract. Purged tenants are not in it.
func List(tenants []settings.Tenant, domain string) (string, error) {
	out := []entry{}
	for _, t := range tenants {
		if t.State != settings.Purged {
			sql := names.SQL(t.Name)
			out = append(out, entry{t.Name, t.Host(domain), t.Plan, t.State, sql, sql})
		}
	}
	text, err := json.Marshal(out)
	return string(text), err
}
