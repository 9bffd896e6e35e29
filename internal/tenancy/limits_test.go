package tenancy_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// fillLocks takes locks until the server's lock table is full.
const fillLocks = "SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 1000000) g"

// configure changes a setting of the server, as its superuser.
func configure(t *testing.T, b *bed, setting, value string) {
	t.Helper()
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "ALTER SYSTEM SET "+setting+" = '"+value+"'", "SELECT pg_reload_conf()")
	require.Eventually(t, func() bool {
		conn := b.Superuser(t, postgrestest.Database)
		defer conn.Close(context.Background())
		return ask[string](t, conn, "SHOW "+setting) == value
	}, 10*time.Second, 50*time.Millisecond)
}

// A tenant that takes almost all locks leaves too few for others to create a table. The run
// that suspends it has to end its session before it creates a table itself.
func TestReconcileEndsATenantsSessionThatLeavesTooFewLocks(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", SampleData: true})
		b.must(t, declared)
		super, acme, beta := b.Superuser(t, postgrestest.Database), postgrestest.Connect(t, b.url(t, declared[0])), postgrestest.Connect(t, b.url(t, declared[1]))
		start := time.Now()
		_, err := acme.Exec(t.Context(), fillLocks)
		require.ErrorContains(t, err, "out of shared memory")
		t.Logf("%s locks in %s", ask[string](t, super, "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'"), time.Since(start).Round(time.Millisecond))
		require.ErrorContains(t, loginError(t, b.URL(postgrestest.Admin), postgrestest.Database), "out of shared memory", "no role can log in, not even the administrator")
		_, err = beta.Exec(t.Context(), "SELECT count(*) FROM orders")
		require.ErrorContains(t, err, "out of shared memory", "open sessions fail as well")

		run(t, acme, "SELECT pg_advisory_unlock(g) FROM generate_series(1, 10) g")
		app := postgrestest.Connect(t, b.URL(postgrestest.App))
		_, err = app.Exec(t.Context(), "CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.b (id int PRIMARY KEY); CREATE TABLE public.c (id int PRIMARY KEY)")
		require.ErrorContains(t, err, "out of shared memory")
		changes := b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta", SampleData: true}))
		assert.Regexp(t, `end the sessions of tenant_acme, which have \d+ of the server's locks`, changes[0])
		run(t, app, "CREATE TABLE public.a (id int PRIMARY KEY)")
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
	})
}

// Tenants connect only through the pooler, and it frees a session's locks after each
// transaction. So the Job gets a chance to log in. Then it locks the tenant out.
func TestTenantThatFillsTheLockTableAgainAndAgainIsSuspended(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	p := newPooler(t, b, declared)
	super := b.Superuser(t, postgrestest.Database)
	free := func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
	}
	_, err := postgrestest.Connect(t, p.url(t, declared[0])).Exec(t.Context(), fillLocks)
	require.ErrorContains(t, err, "out of shared memory")
	assert.Eventually(t, free, 5*time.Second, 20*time.Millisecond)

	stop := repeat(t, p.url(t, declared[0]), 1, fillLocks)
	require.Eventually(t, func() bool { return !free() }, 10*time.Second, time.Millisecond)
	suspended := tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta"})
	b.must(t, suspended)
	stop()
	assert.True(t, free())
	postgrestest.Connect(t, b.url(t, declared[1]))
	require.ErrorContains(t, loginError(t, b.url(t, declared[0]), postgrestest.Database), "not permitted to log in")
	b.must(t, declared)
	postgrestest.Connect(t, b.url(t, declared[0]))
}

// fillForAWhile takes locks until the table is full. For a second it leaves room for another
// session that changes a role, then it leaves none. Any of its statements may fail.
const fillForAWhile = `DO $$
BEGIN
	FOR i IN 1 .. 10 LOOP
		BEGIN
			PERFORM pg_advisory_unlock(g) FROM generate_series(1000 * i, 1000 * i + 99) g;
			PERFORM pg_sleep(0.1);
		EXCEPTION WHEN out_of_memory THEN NULL;
		END;
		BEGIN
			PERFORM pg_advisory_lock(g) FROM generate_series(1000 * i + 1000, 1000000) g;
		EXCEPTION WHEN out_of_memory THEN NULL;
		END;
	END LOOP;
END $$`

// After the role of a session has changed, DISCARD ALL has to read the catalog of roles. While
// the table of locks is full, it fails before it frees the session's locks, and PgBouncer uses
// the connection again all the same. So the locks end with the connection's lifetime.
func TestPoolerClosesAConnectionWhoseLocksCannotBeFreed(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	p := newPoolerWith(t, b, declared, 5)
	super := b.Superuser(t, postgrestest.Database)
	// held returns how many locks tenants have; no other session of the test has as many. While the
	// table is full, even that query may fail.
	held := func() (count int) {
		if super.QueryRow(t.Context(), "SELECT count(*) FROM pg_lock_status() WHERE locktype = 'advisory'").Scan(&count) != nil {
			return math.MaxInt
		}
		return count
	}
	require.Zero(t, held())
	var acme *pgx.Conn
	kept := func() bool {
		acme = postgrestest.Connect(t, p.url(t, declared[0]))
		filled := make(chan error)
		go func() {
			_, err := acme.Exec(t.Context(), fillForAWhile)
			filled <- err
		}()
		for {
			select {
			case err := <-filled:
				t.Logf("filled: %v", err)
				return held() > 1000
			case <-time.After(10 * time.Millisecond):
				_, _ = super.Exec(t.Context(), "ALTER ROLE tenant_acme CONNECTION LIMIT 7")
			}
		}
	}
	// On a slow machine the role does not change in time, or the pooler ends the statement.
	require.Eventually(t, kept, time.Minute, time.Millisecond, "DISCARD ALL frees the locks")
	require.Eventually(t, func() bool {
		_, _ = acme.Exec(t.Context(), "SELECT 1") // the connection is never idle
		return held() == 0
	}, 30*time.Second, 100*time.Millisecond)
}

// Only a superuser may revoke the rights that every role has in PostgreSQL.
func TestAdministratorCannotRevokeTheRightsOfAllRoles(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme"))
		admin, super := postgrestest.Connect(t, b.URL(postgrestest.Admin)), b.Superuser(t, postgrestest.Database)
		for object, check := range map[string]string{
			"EXECUTE ON FUNCTION pg_advisory_lock(bigint)":         "has_function_privilege('tenant_acme', 'pg_advisory_lock(bigint)', 'EXECUTE')",
			"EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint)":    "has_function_privilege('tenant_acme', 'pg_advisory_xact_lock(bigint)', 'EXECUTE')",
			"EXECUTE ON FUNCTION lo_create(oid)":                   "has_function_privilege('tenant_acme', 'lo_create(oid)', 'EXECUTE')",
			"EXECUTE ON FUNCTION pg_notify(text, text)":            "has_function_privilege('tenant_acme', 'pg_notify(text, text)', 'EXECUTE')",
			"EXECUTE ON FUNCTION pg_total_relation_size(regclass)": "has_function_privilege('tenant_acme', 'pg_total_relation_size(regclass)', 'EXECUTE')",
			"SELECT ON pg_stat_all_tables":                         "has_table_privilege('tenant_acme', 'pg_stat_all_tables', 'SELECT')",
			"SELECT ON pg_roles":                                   "has_table_privilege('tenant_acme', 'pg_roles', 'SELECT')",
			"CONNECT ON DATABASE template1":                        "has_database_privilege('tenant_acme', 'template1', 'CONNECT')",
		} {
			_, err := admin.Exec(t.Context(), "REVOKE "+object+" FROM PUBLIC")
			var refused interface{ SQLState() string }
			if err != nil {
				require.ErrorAs(t, err, &refused, object)
				assert.Equal(t, "42501", refused.SQLState(), object)
			}
			assert.True(t, ask[bool](t, super, "SELECT "+check), "REVOKE %s has no effect", object)
		}
		run(t, super, `DO $$ DECLARE f regprocedure; BEGIN
			FOR f IN SELECT oid FROM pg_proc WHERE proname ~ '^pg_(try_)?advisory_(xact_)?lock' LOOP EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f); END LOOP; END $$`)
		denies(t, postgrestest.Connect(t, b.url(t, named("acme")[0])), "SELECT pg_advisory_lock(1)")
	})
}

func TestTenantCannotRaiseTheServersLimitOfTemporaryFiles(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme")
		b.must(t, declared)
		const sort = "SELECT count(*) FROM (SELECT g FROM generate_series(1, 1000000) g ORDER BY g::text) sorted"
		acme := postgrestest.Connect(t, b.url(t, declared[0]))
		run(t, acme, sort)
		configure(t, b, "temp_file_limit", "10MB")
		acme = postgrestest.Connect(t, b.url(t, declared[0]))
		_, err := acme.Exec(t.Context(), sort)
		require.ErrorContains(t, err, "temporary file size exceeds")
		denies(t, acme, "SET temp_file_limit = -1")
		denies(t, postgrestest.Connect(t, b.URL(postgrestest.Admin)), "ALTER ROLE tenant_acme SET temp_file_limit = '10MB'")
	})
}

// The server's idle timeout has to end a migration that was left open. It must not end the
// Job's own session, whose transaction is idle while pg_dump runs.
func TestServersIdleTimeoutEndsAnOpenMigrationButNoArchive(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenants(settings.Tenant{Name: "acme", SampleData: true})
	b.must(t, declared)
	configure(t, b, "idle_in_transaction_session_timeout", "30ms")
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	_, err := app.Exec(t.Context(), "BEGIN; SET LOCAL ROLE owner_acme; LOCK TABLE tenant_acme.orders")
	require.NoError(t, err)
	require.Eventually(t, func() bool { _, err := app.Exec(t.Context(), "SELECT 1"); return err != nil }, 5*time.Second, 100*time.Millisecond)
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
}

// A session with an open snapshot blocks vacuum in the whole database. The role's settings
// end such a session. A tenant may change these settings; then only its suspension ends it.
func TestSnapshotThatBlocksVacuumIsEndedByTheRolesSettingsOrASuspension(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	super := b.Superuser(t, postgrestest.Database)
	snapshots := func() int {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme' AND backend_xmin IS NOT NULL")
	}
	openSnapshot := func(first ...string) {
		conn := postgrestest.Connect(t, b.url(t, declared[0]))
		run(t, conn, append(first, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")...)
	}
	assert.Equal(t, "1min", ask[string](t, postgrestest.Connect(t, b.url(t, declared[0])), "SHOW idle_in_transaction_session_timeout"))
	run(t, super, "ALTER ROLE tenant_acme SET idle_in_transaction_session_timeout = '3s'")
	openSnapshot()
	assert.Equal(t, 1, snapshots())
	assert.Eventually(t, func() bool { return snapshots() == 0 }, 15*time.Second, 50*time.Millisecond)
	openSnapshot("SET idle_in_transaction_session_timeout = 0")
	time.Sleep(4 * time.Second)
	assert.Equal(t, 1, snapshots(), "the session changed the setting for itself")
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	assert.Zero(t, snapshots())
}

// PostgreSQL cannot limit a role's write-ahead log, the size of the values that it computes, or
// its large objects.
func TestWriteAheadLogLargeValuesAndLargeObjectsHaveNoLimit(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	acme, super := postgrestest.Connect(t, b.url(t, declared[0])), b.Superuser(t, postgrestest.Database)
	before := ask[string](t, super, "SELECT pg_current_wal_insert_lsn()::text")
	run(t, acme, "SELECT pg_logical_emit_message(false, 'x', repeat('x', 50000000))")
	assert.Greater(t, ask[int](t, super, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::int", before), 50_000_000)
	assert.Equal(t, 200_000_000, ask[int](t, acme, "SELECT length(repeat('x', 200000000))"))
	run(t, acme, "SELECT lo_from_bytea(0, repeat('x', 80000000)::bytea)")
	assert.Greater(t, ask[int](t, super, "SELECT pg_total_relation_size('pg_largeobject')::int"), 1_000_000)
	out, err := b.reconcile(t, declared)
	require.NoError(t, err, out)
	assert.NotContains(t, out, "MiB", "the storage check does not count large objects")
}
