package tenancy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// printed runs a statement as the app's role, as the Job runs a dump or a restore. It returns
// what the log of the run contains.
func printed(t *testing.T, b *bed, statement string) string {
	t.Helper()
	command := exec.Command("sh", "-c", `. ./owner.sh; as_owner psql -X -q -c "$1" > "$WORK/rows"`, "sh", statement)
	command.Dir = filepath.Join(b.dir, "scripts")
	work := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(work, "tenant"), 0o750))
	command.Env = append(os.Environ(), "PATH="+b.Clients(t)+":"+os.Getenv("PATH"), "WORK="+work, "OWNER="+postgrestest.App, b.password(t, postgrestest.App))
	command.Env = append(command.Env, b.environment(t, postgrestest.App)...)
	out, err := command.CombinedOutput()
	require.Error(t, err, statement)
	return string(out)
}

// Without the text of these errors, a user could not tell why an archive failed. The text has
// names, and no values.
func TestLogHasTheTextOfErrorsThatContainNoValues(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme"))
		run(t, b.Superuser(t, postgrestest.Database), "GRANT USAGE ON SCHEMA public TO owner_acme, tenant_acme", "GRANT tenant_acme TO app")
		run(t, postgrestest.Connect(t, b.URL(postgrestest.App)),
			"CREATE DOMAIN public.cents AS int CHECK (VALUE >= 0)", "CREATE TYPE public.mood AS ENUM ('good')",
			"CREATE TABLE public.notes (id int PRIMARY KEY, body text NOT NULL CHECK (body <> 'carol'), parent int REFERENCES public.notes)",
			"CREATE TABLE public.guarded (id int)", "CREATE POLICY none ON public.guarded USING (id = 1)",
			"ALTER TABLE public.guarded ENABLE ROW LEVEL SECURITY", "ALTER TABLE public.guarded FORCE ROW LEVEL SECURITY",
			"INSERT INTO public.notes VALUES (1, 'x')", "GRANT SELECT ON public.notes TO owner_acme WITH GRANT OPTION",
			"SET ROLE owner_acme", "GRANT SELECT ON public.notes TO tenant_acme WITH GRANT OPTION", "RESET ROLE",
			"CREATE TABLE public.recursive (id int)", "CREATE RULE again AS ON INSERT TO public.recursive DO INSTEAD INSERT INTO public.recursive VALUES (NEW.id)")
		for statement, want := range map[string]string{
			"SET statement_timeout = '10ms'; SELECT pg_sleep(5)": "canceling statement due to statement timeout",
			"SELECT FROM platform.tenants":                       "permission denied for schema platform",
			"DROP SCHEMA platform":                               "must be owner of schema platform",
			"CREATE ROLE spy":                                    "permission denied to create role",
			"CREATE TABLE public.notes ()":                       `relation "notes" already exists`,
			"GRANT app TO nobody":                                `role "nobody" does not exist`,
			"CREATE EXTENSION nothing":                           `extension "nothing" is not available`,
			"SELECT nothing(1)":                                  "function nothing(integer) does not exist",
			"DROP CAST (public.mood AS public.cents)":            "cast from type mood to type cents does not exist",
			"SELECT 'carol'::mood":                               "invalid input value for enum mood",
			"SELECT 'carol'::int":                                "invalid input syntax for type integer",
			"SELECT '99999999999'::int":                          "value is out of range for type integer",
			"SELECT 2147483647 + 1":                              "integer out of range",
			"SELECT '2026-02-31'::date":                          "date/time field value out of range",
			"SELECT 1 / 0":                                       "division by zero",
			"SELECT (-4111)::public.cents":                       `value for domain cents violates check constraint "cents_check"`,
			"INSERT INTO public.notes VALUES (2, 'carol')":       `new row for relation "notes" violates check constraint "notes_body_check"`,
			"INSERT INTO public.notes VALUES (1, 'y')":           `duplicate key value violates unique constraint "notes_pkey"`,
			"INSERT INTO public.notes VALUES (2, 'y', 4111)":     `insert or update on table "notes" violates foreign key constraint "notes_parent_fkey"`,
			"INSERT INTO public.notes VALUES (2)":                `null value in column "body" of relation "notes" violates not-null constraint`,
			"INSERT INTO public.guarded VALUES (4111)":           `new row violates row-level security policy for table "guarded"`,
			"SET row_security = off; TABLE public.guarded":       `query would be affected by row-level security policy for table "guarded"`,
			"INSERT INTO public.recursive VALUES (4111)":         `infinite recursion detected in rules for relation "recursive"`,
			"SET ROLE tenant_acme; GRANT SELECT ON public.notes TO owner_acme WITH GRANT OPTION": "grant options cannot be granted back to your own grantor",
		} {
			assert.Equal(t, "ERROR:  "+want+"\n", printed(t, b, statement), statement)
		}
		for _, values := range []string{
			"DO $$ BEGIN RAISE EXCEPTION 'carol'; END $$", "DO $$ BEGIN RAISE EXCEPTION 'value 4111 is out of range for type integer'; END $$",
			"DO $$ BEGIN RAISE EXCEPTION 'permission denied for carol@customer.test'; END $$", "DO $$ BEGIN RAISE EXCEPTION 'role \"carol smith\" does not exist'; END $$",
		} {
			assert.Equal(t, "ERROR (the log of the database has its text, which may contain rows)\n", printed(t, b, values), values)
		}
	})
}
