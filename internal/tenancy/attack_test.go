package tenancy_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

var update = flag.Bool("update", false, "rewrite the list of attacks")

// attack is a statement that the tenant acme tries. outcome is "denied", or what the
// statement returns if PostgreSQL allows it.
type attack struct{ what, statement, outcome string }

const denied = "denied"

// attacks run in one session of acme, on each major version of PostgreSQL.
var attacks = []attack{
	{"read another's table", "SELECT * FROM tenant_beta.orders", denied},
	{"write another's table", "INSERT INTO tenant_beta.customers VALUES (99, 'x', 'x@example.com')", denied},
	{"empty another's table", "TRUNCATE tenant_beta.orders", denied},
	{"drop another's table", "DROP TABLE tenant_beta.orders", denied},
	{"lock another's table", "LOCK TABLE tenant_beta.orders", denied},
	{"advance another's sequence", "SELECT nextval('tenant_beta.numbers')", denied},
	{"call another's function", "SELECT tenant_beta.secret()", denied},
	{"call another's function by search_path", "SET search_path = tenant_beta; SELECT secret()", denied},
	{"read another's table by search_path", "SET search_path = tenant_beta; SELECT * FROM orders", denied},
	{"create in another's schema", "CREATE TABLE tenant_beta.mine (id int)", denied},
	{"refer to another's table", "CREATE TABLE spy (id int REFERENCES tenant_beta.customers)", denied},
	{"inherit from another's table", "CREATE TABLE spy () INHERITS (tenant_beta.orders)", denied},
	{"view over another's table", "CREATE VIEW spy AS SELECT * FROM tenant_beta.orders", denied},
	{"copy another's table", "COPY tenant_beta.orders TO STDOUT", denied},
	{"become another", "SET ROLE tenant_beta", denied},
	{"become another for the whole session", "SET SESSION AUTHORIZATION tenant_beta", denied},
	{"become the app", "SET ROLE app", denied},
	{"become the administrator", "SET ROLE doadmin", denied},
	{"become a member of another's role", "GRANT tenant_beta TO tenant_acme", denied},
	{"change another's password", "ALTER ROLE tenant_beta PASSWORD 'x'", denied},
	{"remove its own connection limit", "ALTER ROLE tenant_acme CONNECTION LIMIT -1", denied},
	{"give itself rights", "ALTER ROLE tenant_acme CREATEDB CREATEROLE", denied},
	{"create a role", "CREATE ROLE spy", denied},
	{"create a database", "CREATE DATABASE spy", denied},
	{"create a schema", "CREATE SCHEMA spy", denied},
	{"create a temporary table", "CREATE TEMPORARY TABLE spy (id int)", denied},
	{"create an extension", "CREATE EXTENSION postgres_fdw", denied},
	{"create in public", "CREATE TABLE public.spy (id int)", denied},
	{"read the platform's table in public", "SELECT * FROM public.migrations", denied},
	{"call a function in public", "SELECT public.whoami()", denied},
	{"read the record of tenants", "SELECT * FROM platform.tenants", denied},
	{"read the usage of all tenants", "SELECT * FROM platform.usage", denied},
	{"read another's usage in the view of its own", "SELECT * FROM platform_usage.days", "no rows"},
	{"write its own usage", "INSERT INTO platform_usage.days (day) VALUES ('2026-11-01')", denied},
	{"change the view of its own usage", "ALTER VIEW platform_usage.days RESET (security_barrier)", denied},
	{"create in the schema of that view", "CREATE TABLE platform_usage.mine (id int)", denied},
	{"read passwords", "SELECT * FROM pg_authid", denied},
	{"read roles' settings in pg_shadow", "SELECT * FROM pg_shadow", denied},
	{"read another's statistics", "SELECT * FROM pg_stats WHERE schemaname = 'tenant_beta'", "no rows"},
	{"read another's running statements", "SELECT query FROM pg_stat_activity WHERE usename = 'tenant_beta' AND query !~ 'insufficient'", "no rows"},
	{"end another's session", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant_beta'", denied},
	{"read another's large object", "SELECT lo_get(4711)", denied},
	{"drop another's large object", "SELECT lo_unlink(4711)", denied},
	{"read a file of the server", "SELECT pg_read_file('/etc/passwd')", denied},
	{"run a program", "COPY (SELECT 1) TO PROGRAM 'true'", denied},
	{"run code as others by an event trigger", "CREATE EVENT TRIGGER spy ON ddl_command_start EXECUTE FUNCTION suppress_redundant_updates_trigger()", denied},
	{"get rights on another's later tables by default privileges", "ALTER DEFAULT PRIVILEGES FOR ROLE tenant_beta GRANT SELECT ON TABLES TO tenant_acme", denied},
	{"declare default privileges of its own in another's schema, which have no effect", "ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_beta GRANT SELECT ON TABLES TO PUBLIC", "done"},
	{"create a table in its own schema", "CREATE TABLE mine (id int)", denied},
	{"create a function", "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", denied},
	{"create a type", "CREATE TYPE mine AS (id int)", denied},
	{"create a cast", "CREATE CAST (tenant_acme.customers AS text) WITH INOUT", denied},
	{"create an operator", "CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int)", denied},
	{"create a trigger on its own table", "CREATE TRIGGER mine BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()", denied},
	{"create a rule on its own table", "CREATE RULE mine AS ON INSERT TO customers DO INSTEAD NOTHING", denied},
	{"create an index on its own table", "CREATE INDEX ON customers (name)", denied},
	{"add a constraint to its own table", "ALTER TABLE customers ADD CHECK (id > 0)", denied},
	{"empty its own table by TRUNCATE", "TRUNCATE customers CASCADE", denied},
	{"become its owner", "SET ROLE owner_acme", denied},
	{"let all roles use its schema", "GRANT USAGE ON SCHEMA tenant_acme TO PUBLIC; SELECT 1 WHERE has_schema_privilege('tenant_beta', 'tenant_acme', 'USAGE')", "no rows"},
	{"connect to the database postgres", "SELECT 1 WHERE has_database_privilege('postgres', 'CONNECT')", "rows"},
	{"create a temporary table in the database postgres", "SELECT 1 WHERE has_database_privilege('postgres', 'TEMPORARY')", "rows"},
	{"connect to the database template1", "SELECT 1 WHERE has_database_privilege('template1', 'CONNECT')", "rows"},
	{"see names of other schemas", "SELECT nspname FROM pg_namespace WHERE nspname = 'tenant_beta'", "rows"},
	{"see names of other roles", "SELECT rolname FROM pg_roles WHERE rolname = 'tenant_beta'", "rows"},
	{"see names of another's tables", "SELECT relname FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace", "rows"},
	{"see another's function's source", "SELECT prosrc FROM pg_proc WHERE proname = 'secret'", "rows"},
	{"see another's columns", "SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'tenant_beta'::regnamespace AND attnum > 0", "rows"},
	{"see another's row counts", "SELECT reltuples FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace AND reltuples > 0", "rows"},
	{"see how much another reads and writes", "SELECT n_tup_ins, seq_scan FROM pg_stat_all_tables WHERE schemaname = 'tenant_beta'", "rows"},
	{"see another's size", "SELECT pg_total_relation_size(oid) FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace", "rows"},
	{"see another's comments", "SELECT obj_description(oid) FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace AND obj_description(oid) IS NOT NULL", "rows"},
	{"see another's view", "SELECT pg_get_viewdef(oid) FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace AND relkind = 'v'", "rows"},
	{"see another's CHECK", "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'tenant_beta'::regnamespace AND contype = 'c'", "rows"},
	{"see another's default values", "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid WHERE relnamespace = 'tenant_beta'::regnamespace", "rows"},
	{"see another's policies", "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy JOIN pg_class c ON c.oid = polrelid WHERE relnamespace = 'tenant_beta'::regnamespace", "rows"},
	{"see another's enum labels", "SELECT enumlabel FROM pg_enum JOIN pg_type t ON t.oid = enumtypid WHERE typnamespace = 'tenant_beta'::regnamespace", "rows"},
	{"see the value of another's sequence", "SELECT last_value FROM pg_sequences WHERE schemaname = 'tenant_beta' AND last_value IS NOT NULL", "no rows"},
	{"see another's rights, and so whose writes are suspended", "SELECT relacl FROM pg_class WHERE relnamespace = 'tenant_beta'::regnamespace AND relacl IS NOT NULL", "rows"},
	{"see who is suspended, and who has which tier", "SELECT rolcanlogin, rolconnlimit, rolconfig FROM pg_roles WHERE rolname = 'tenant_beta' AND rolconfig IS NOT NULL", "rows"},
	{"see another's sessions and their application_name", "SELECT application_name FROM pg_stat_activity WHERE usename = 'tenant_beta' AND application_name = 'billing'", "rows"},
	{"see where another's sessions come from", "SELECT 1 FROM pg_stat_activity WHERE usename = 'tenant_beta' AND (client_addr IS NOT NULL OR state IS NOT NULL)", "no rows"},
	{"see another's locks", "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711", "rows"},
	{"listen to what others notify", "LISTEN news", "done"},
	{"notify all who listen", "NOTIFY news, 'false'", "done"},
	{"take an advisory lock that others use", "SELECT pg_advisory_lock(1)", "rows"},
	{"raise the limit of temporary files", "SET temp_file_limit = -1", denied},
	{"raise its own memory", "SET work_mem = '1GB'; SET maintenance_work_mem = '1GB'", "done"},
	{"remove its own other timeouts", "SET idle_in_transaction_session_timeout = 0; SET idle_session_timeout = 0; SET lock_timeout = 0", "done"},
	{"compute a value of 10 MB", "SELECT repeat('x', 10000000)", "rows"},
	{"write 10 MB of write-ahead log", "SELECT pg_logical_emit_message(false, 'x', repeat('x', 10000000))", "rows"},
	{"create a large object of its own", "SELECT lo_create(0)", "rows"},
	{"remove its own statement timeout", "SET statement_timeout = 0", "done"},
	{"change its own password", "ALTER ROLE tenant_acme PASSWORD 'x'", "done"},
}

func TestATenantReachesNothingOfAnother(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta", SampleData: true})
		b.must(t, declared)
		run(t, postgrestest.Connect(t, b.URL(postgrestest.App)), "CREATE TABLE public.migrations (version int)",
			"CREATE FUNCTION public.whoami() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'")
		beta := postgrestest.Connect(t, b.url(t, declared[1]))
		b.migrate(t, "beta", "CREATE SEQUENCE numbers", "CREATE FUNCTION secret() RETURNS int LANGUAGE sql AS 'SELECT 42'",
			"CREATE TYPE mood AS ENUM ('good')", "CREATE VIEW cheap AS SELECT * FROM orders WHERE total_cents < 600", "COMMENT ON TABLE orders IS 'what they buy'",
			"CREATE TABLE vip (id int DEFAULT 7 CHECK (id <> 13))", "CREATE POLICY mine ON vip USING (id = 7)")
		run(t, beta, "SET application_name = 'billing'", "SELECT pg_advisory_lock(4711)", "SELECT lo_create(4711)", "SELECT 1 AS something_private")
		run(t, b.Superuser(t, postgrestest.Database), "ANALYZE tenant_beta.orders", "INSERT INTO platform.usage (tenant, day) VALUES ('beta', '2026-11-01')")
		acme := postgrestest.Connect(t, b.url(t, declared[0]))
		var rows []string
		for _, a := range attacks {
			got, message := attempt(t, acme, a.statement)
			assert.Equal(t, a.outcome, got, "%s: %s: %s", a.what, a.statement, message)
			rows = append(rows, fmt.Sprintf("| %s | `%s` | %s |", a.what, a.statement, got))
			run(t, acme, "RESET ALL")
		}
		assert.Equal(t, 200, ask[int](t, beta, "SELECT count(*) FROM orders"), "beta has all its rows")
		documented(t, strings.Join(rows, "\n"))
	})
}

// attempt runs a statement and returns its outcome. An error of the server is "denied".
func attempt(t *testing.T, conn *pgx.Conn, statement string) (outcome, message string) {
	t.Helper()
	results, err := conn.PgConn().Exec(t.Context(), statement).ReadAll()
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return denied, refused.Message
	case err != nil:
		require.NoError(t, err, statement)
	}
	last := results[len(results)-1]
	switch {
	case !strings.HasPrefix(last.CommandTag.String(), "SELECT"):
		return "done", ""
	case len(last.Rows) == 0:
		return "no rows", ""
	}
	return "rows", ""
}

// documenting prevents that a test reads docs/tenancy.md while another one rewrites it.
var documenting sync.Mutex

// documented checks that the table of docs/tenancy.md has exactly these rows.
func documented(t *testing.T, rows string) {
	t.Helper()
	documenting.Lock()
	defer documenting.Unlock()
	path := filepath.Join("..", "..", "docs", "tenancy.md")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	const begin, end = "<!-- attacks -->\n", "\n<!-- /attacks -->"
	head, rest, found := strings.Cut(string(data), begin)
	require.True(t, found, "docs/tenancy.md has no marker for the table of attacks")
	old, tail, found := strings.Cut(rest, end)
	require.True(t, found)
	table := "| attack | statement | outcome |\n| --- | --- | --- |\n" + rows
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(head+begin+table+end+tail), 0o600))
		return
	}
	assert.Equal(t, old, table, "the table in docs/tenancy.md differs from the attacks; make golden rewrites it")
}

func TestTenantIsRefusedConnectionsAboveItsLimit(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	refused := 0
	for range 10 {
		conn, err := pgx.Connect(context.Background(), b.url(t, declared[0]))
		if err != nil {
			require.ErrorContains(t, err, "too many connections for role")
			refused++
			continue
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may have ended it
	}
	assert.Equal(t, 10-declared[0].Tier().Connections(), refused)
	assert.Equal(t, 1, ask[int](t, postgrestest.Connect(t, b.url(t, declared[1])), "SELECT 1"), "the other tenant can still connect")
}

func TestStatementIsEndedAfterItsTimeout(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	run(t, b.Superuser(t, postgrestest.Database), "ALTER ROLE tenant_acme SET statement_timeout = '300ms'")
	_, err := postgrestest.Connect(t, b.url(t, declared[0])).Exec(context.Background(), "SELECT pg_sleep(20)")
	require.ErrorContains(t, err, "statement timeout")
	assert.Contains(t, b.must(t, declared), "ALTER ROLE tenant_acme SET statement_timeout = '15s'", "the next run undoes the change by hand")
}
