// Package tenancy turns the tenants of a stack file into files:
//   - for the reconcile Job: SQL, shell scripts and the roles' passwords;
//   - for the pooler: the configuration of PgBouncer, its users and its certificate;
//   - for the app: the list of tenants, and a connection string for each of them.
//
// It also writes the scripts that move the rows of shared tables into the tenants'
// schemas (Split). The package talks to no database. docs/tenancy.md explains the design.
package tenancy

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
)

// scripts are the files that the reconcile Job runs. reconcile.sh has their order.
//
//go:embed reconcile
var scripts embed.FS

// Files returns the files of the reconcile Job by their names. The Job starts Entrypoint.
// The Job limits the role appRole to appConnections connections. Nothing in the files is
// secret.
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

// Entrypoint is the script that a POSIX shell runs. It reads libpq's variables and those
// that its first lines list.
const Entrypoint = "reconcile.sh"

// ExitRefused is the Entrypoint's exit status for tenants that it cannot apply, such as a
// purge without an archive. Do not run it again: another try would be refused too.
const ExitRefused = 65

// ExitTenants is the Entrypoint's exit status when some tenants failed and the others are
// as declared. A later run may complete them.
const ExitTenants = 75

// Variables of the Entrypoint, with their values.
//
// VariableTolerate=TolerateTenants: if tenants fail, the run prints them and exits with 0.
//
// VariableScheduled=Scheduled: the run repeats what the last update applied. Before the
// first update it changes nothing. With another declaration than the last update's it changes
// nothing either.
const (
	VariableTolerate  = "TOLERATE"
	TolerateTenants   = "tenants"
	VariableScheduled = "SCHEDULED"
	Scheduled         = "true"
)

// The files of the credentials' folder. VerifiersFile has what Verifiers returns: the
// source of the roles' passwords. PasswordsFile has what Passwords returns: the passwords
// that the Job logs in with.
const (
	VerifiersFile = "verifiers.csv"
	PasswordsFile = "pgpass"
)

// desired returns SQL that fills the tables parameters and desired of declared.sql. The
// run compares the database with these tables.
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

// Literal returns text as a quoted SQL string. Text with a backslash becomes an E” string,
// so that the server's standard_conforming_strings makes no difference.
func Literal(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// entry is a tenant in tenants.json.
type entry struct {
	Name   string `json:"name"`
	Host   string `json:"host"`
	Plan   string `json:"plan"`
	State  string `json:"state"`
	Role   string `json:"role"`
	Schema string `json:"schema"`
}

// List returns the file tenants.json (docs/app-contract.md). Purged tenants are not in it.
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
