// Package usage counts what each tenant uses: requests and bytes from Traefik's metrics, rows
// and storage from PostgreSQL, sign-ins and events from the app's metrics.
//
// Recordings are recording rules of vmalert. Files are the files of an hourly Job. The Job
// writes gauges of PostgreSQL to VictoriaMetrics, and writes each complete day (UTC) into
// platform.usage of the database. The reconcile Job creates that table
// (internal/tenancy/reconcile/usage.sql). docs/usage.md explains what is counted.
package usage

import (
	"embed"
	"fmt"
	"net/url"
	"strings"
)

// Entrypoint is the script that a POSIX shell runs. Its first lines list the variables that it
// reads.
const Entrypoint = "usage.sh"

// Variables of the Entrypoint. VariableFolder is the folder of Files, VariablePasswords the path
// of a password file of libpq. VariableHost and VariablePort are the address of VictoriaMetrics.
// VariableDays is how many days it keeps metrics. With fewer than 3 the Job writes no day: it
// needs a complete day, and the one before it.
const (
	VariableFolder    = "USAGE"
	VariablePasswords = "PASSWORDS"
	VariableHost      = "METRICS_HOST"
	VariablePort      = "METRICS_PORT"
	VariableDays      = "METRICS_DAYS"
)

// Purged is the tenant in platform.usage that has the sums of all purged tenants. It is no
// valid name of a tenant.
const Purged = "(purged)"

//go:embed job
var scripts embed.FS

// Files returns the files of the Job by their names. Nothing in them is secret, and nothing in
// them depends on the tenants.
func Files() map[string]string {
	files := map[string]string{"queries": encoded()}
	entries, err := scripts.ReadDir("job")
	for _, entry := range entries {
		var text []byte
		if text, err = scripts.ReadFile("job/" + entry.Name()); err != nil {
			break
		}
		files[entry.Name()] = string(text)
	}
	if err != nil {
		panic(err) // the files are part of the program
	}
	return files
}

// encoded returns a line for each query: its name, and its expression as part of a URL.
func encoded() string {
	var b strings.Builder
	for _, q := range Queries() {
		fmt.Fprintf(&b, "%s %s\n", q.Name, url.QueryEscape(q.Expr))
	}
	return b.String()
}
