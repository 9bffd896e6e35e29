package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// An open ALTER ROLE holds the role, so the run cannot lock the tenant out before it has
// ended the session.
func TestTenantThatHoldsItsRoleAndManyLocksIsSuspended(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) }) // the run ends it
	run(t, conn, "BEGIN", "SET LOCAL statement_timeout = 0", "ALTER ROLE tenant_acme PASSWORD 'x'",
		fmt.Sprintf(takeLocks, 1, mostLocks))
	go func() { _, _ = conn.Exec(t.Context(), "SELECT pg_sleep(110)") }()
	started := time.Now()
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	assert.Less(t, time.Since(started), 40*time.Second, "the tenant's statement takes 110 s")
	require.ErrorContains(t, refused(b.url(t, named("acme")[0])), "not permitted to log in")
}

// What a migration creates must not keep its own tenant, or another one, from its archive.
func TestArchiveOfATenantWithUnusualDefinitions(t *testing.T) {
	t.Parallel()
	for what, create := range map[string]string{
		"a table whose name has a line that ends CSV for psql": "CREATE TABLE tenant_acme.\"a\n\\.\nb\" (id int)",
		"a range type": "CREATE TYPE tenant_acme.period AS RANGE (subtype = date)",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 0)
			b.must(t, named("acme", "beta"))
			super := b.Superuser(t, postgrestest.Database)
			run(t, super, "SET ROLE owner_acme", create, "RESET ROLE")
			for _, state := range []string{settings.Archived, settings.Purged} {
				declared := tenants(settings.Tenant{Name: "acme", State: state}, settings.Tenant{Name: "beta", State: state})
				if state == settings.Purged {
					declared[0].ConfirmPurge, declared[1].ConfirmPurge = "acme", "beta"
				}
				b.must(t, declared)
			}
			assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '^tenant_'"))
		})
	}
}

// The drill's database has the tenant's rows.
func TestNoDrillStaysWhenAStatementOfTheArchiveFails(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "CREATE TYPE tenant_acme.pair AS (a int)", "CREATE FUNCTION tenant_acme.of(tenant_acme.pair) RETURNS int LANGUAGE sql AS 'SELECT 1'",
		"CREATE CAST (tenant_acme.pair AS int) WITH FUNCTION tenant_acme.of(tenant_acme.pair)",
		// An argument of a program may have 128 KiB.
		"DO $$ BEGIN EXECUTE format('COMMENT ON CAST (tenant_acme.pair AS int) IS %L', repeat('x', 200000)); END $$")
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	require.Error(t, err, out)
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_database WHERE datname = 'platform_drill'"), out)
}

// While the table of locks is full nobody can connect. A pooler ends such a transaction after
// 120 s, so a run has to wait longer than that.
func TestRunOutlastsATenantThatFillsTheLockTableAndSleeps(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	run(t, conn, "SET statement_timeout = 0")
	filled := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), `DO $$ BEGIN
			<<fill>> BEGIN PERFORM pg_advisory_lock(g) FROM generate_series(1, 1000000) g;
			EXCEPTION WHEN out_of_memory THEN PERFORM pg_sleep(75); END;
		END $$`)
		filled <- errors.Join(err, conn.Close(context.Background())) // the pooler would free the locks
	}()
	require.Eventually(t, func() bool { return refused(b.url(t, named("acme")[0])) != nil }, 20*time.Second, 100*time.Millisecond, "nobody can connect")
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	<-filled // its error does not count: the run may have ended the session
	require.ErrorContains(t, refused(b.url(t, named("acme")[0])), "not permitted to log in")
}

// A dump would give the object to the owner of the schema, so it differs from the schema.
func TestArchiveNamesObjectsOfOtherRoles(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "CREATE FUNCTION tenant_acme.total(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "GRANT EXECUTE ON FUNCTION tenant_acme.total TO owner_acme WITH GRANT OPTION",
		"CREATE TYPE tenant_acme.mood AS ENUM ('good')", "CREATE TABLE tenant_acme.notes (id int)", "CREATE TYPE tenant_acme.period AS RANGE (subtype = date)",
		"ALTER TYPE tenant_acme.period OWNER TO owner_acme", "CREATE COLLATION tenant_acme.german FROM \"C\"",
		"CREATE OPERATOR tenant_acme.|+| (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)")
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	require.Error(t, err, out)
	assert.Contains(t, out, "acme | archive | other roles own objects in its schema; ALTER ... OWNER TO owner_acme: "+
		"tenant_acme.german (postgres), tenant_acme.mood (postgres), tenant_acme.notes (postgres), tenant_acme.total(integer) (postgres), tenant_acme.|+|(integer,integer) (postgres)\n")
	run(t, super, "ALTER FUNCTION tenant_acme.total OWNER TO owner_acme", "ALTER TYPE tenant_acme.mood OWNER TO owner_acme", "ALTER TABLE tenant_acme.notes OWNER TO owner_acme",
		"ALTER COLLATION tenant_acme.german OWNER TO owner_acme", "ALTER OPERATOR tenant_acme.|+| (int, int) OWNER TO owner_acme")
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
}

// An app's session may give the owner's role any setting at any time.
func TestOwnersEncodingStopsNoArchive(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme", "beta"))
	b.migrate(t, "acme", `CREATE TABLE "preise €" (id int)`, "INSERT INTO \"preise €\" VALUES (1)")
	ctx, stop := context.WithCancel(t.Context())
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, "SET ROLE owner_acme")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = app.Exec(ctx, "ALTER ROLE owner_acme SET client_encoding = 'LATIN1'") // the run may end the session
		}
	}()
	defer func() { stop(); <-done }()
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "beta", State: settings.Archived}))
	stop()
	<-done
	assert.Contains(t, out, "tenant beta: archived")
	if err != nil { // both sessions may have changed the role at the same time
		require.NotContains(t, out, "encoding")
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "beta", State: settings.Archived}))
	}
	assert.True(t, ask[bool](t, b.Superuser(t, postgrestest.Database), "SELECT archive->'tables' ? 'preise €' FROM platform.tenants WHERE name = 'acme'"))
}

// Its owner does not see all rows, so a dump would lose some.
func TestArchiveOfATableWithForcedRowSecurityIsRefusedWithTheReason(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme"))
		b.migrate(t, "acme", "CREATE TABLE notes (id int)", "INSERT INTO notes VALUES (1)", "CREATE POLICY none ON notes USING (false)",
			"ALTER TABLE notes ENABLE ROW LEVEL SECURITY", "ALTER TABLE notes FORCE ROW LEVEL SECURITY")
		archived := tenants(settings.Tenant{Name: "acme", State: settings.Archived})
		out, err := b.reconcile(t, archived)
		require.Error(t, err, out)
		_, table, _ := strings.Cut(out, "acme | archive | ")
		assert.Contains(t, table, "query would be affected by row-level security policy for table 'notes'")
		run(t, b.Superuser(t, postgrestest.Database), "SET ROLE owner_acme", "ALTER TABLE tenant_acme.notes NO FORCE ROW LEVEL SECURITY")
		b.must(t, archived)
	})
}
