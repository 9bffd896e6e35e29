package tenancy_test

import (
	"context"
	"errors"
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
		"SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 1500) g")
	go func() { _, _ = conn.Exec(t.Context(), "SELECT pg_sleep(110)") }()
	started := time.Now()
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	assert.Less(t, time.Since(started), 40*time.Second, "the tenant's statement takes 110 s")
	require.ErrorContains(t, refused(b.url(t, named("acme")[0])), "not permitted to log in")
}

// What a migration creates must not keep its own tenant, or another one, from its archive.
func TestArchiveOfATenantWithUnusualDefinitions(t *testing.T) {
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
