package tenancy_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// More people may read the log of a run than a customer's rows.
func TestLogHasNoValuesOfCustomersRows(t *testing.T) {
	t.Parallel()
	const private = "carol@customer.test"
	for what, test := range map[string]struct {
		refuses string // body of a function; the rows satisfy it first, but not in a restore
		reason  string // what the log says about it
	}{
		"in the detail of a message":      {"SELECT NOT EXISTS (SELECT FROM tenant_acme.blocked WHERE email = $1)", `ERROR:  new row for relation "people" violates check constraint`},
		"in the message":                  {"SELECT CASE WHEN EXISTS (SELECT FROM tenant_acme.blocked WHERE email = $1) THEN $1::date END IS NULL", "ERROR:  invalid input syntax for type date"},
		"in an error of its own function": {"SELECT coalesce(bool_and(tenant_acme.refuse($1)), true) FROM tenant_acme.blocked WHERE email = $1", "ERROR (the log of the database has its text, which may contain rows)"},
		"in a line like a program's":      {`SELECT coalesce(bool_and(tenant_acme.refuse(E'x\npsql: ' || $1)), true) FROM tenant_acme.blocked WHERE email = $1`, "ERROR (the log of the database has its text, which may contain rows)"},
		"in a message of two lines":       {"SELECT CASE WHEN EXISTS (SELECT FROM tenant_acme.blocked WHERE email = $1) THEN (E'x\\n' || $1)::date END IS NULL", "ERROR:  invalid input syntax for type date"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 18)
			b.must(t, named("acme"))
			b.migrate(t, "acme", "CREATE TABLE blocked (email text)",
				"CREATE FUNCTION refuse(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is refused', $1; END $$",
				"CREATE FUNCTION passes(text) RETURNS boolean LANGUAGE sql AS $$ "+test.refuses+" $$",
				"CREATE TABLE people (id int, email text CHECK (passes(email)))", "INSERT INTO people VALUES (1, '"+private+"')", "INSERT INTO blocked SELECT email FROM people")
			out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
			require.Error(t, err)
			assert.NotContains(t, out, "carol")
			_, table, _ := strings.Cut(out, "acme | archive | ")
			assert.Contains(t, table, "COPY failed for table 'people': "+strings.ReplaceAll(test.reason, `"`, "'"))
		})
	}
}

// The detail of a duplicate key in the platform's tables contains a tenant's name. The
// administrator's session prints only the first line of an error.
func TestAdministratorsSessionPrintsNoErrorDetails(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "acme"}))
	require.Error(t, err)
	assert.Contains(t, out, "duplicate key value violates unique constraint")
	assert.NotContains(t, out, "DETAIL")
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
}
