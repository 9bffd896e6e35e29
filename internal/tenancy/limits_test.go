package tenancy_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// fillLocks takes locks until the server has no memory for more.
const fillLocks = "SELECT count(pg_advisory_lock(g)) FROM generate_series(1, 1000000) g"

// configure changes the server as only its owner can.
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

// A tenant that takes almost all locks leaves others too few to make a table. The run
// that suspends it ends its session before it makes one itself.
func TestARunEndsATenantsSessionThatLeftTooFewLocksForIt(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", SampleData: true})
		b.must(t, declared)
		super, acme, beta := b.Superuser(t, postgrestest.Database), postgrestest.Connect(t, b.url(t, declared[0])), postgrestest.Connect(t, b.url(t, declared[1]))
		start := time.Now()
		_, err := acme.Exec(t.Context(), fillLocks)
		require.ErrorContains(t, err, "out of shared memory")
		t.Logf("%s locks in %s", ask[string](t, super, "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'"), time.Since(start).Round(time.Millisecond))
		require.ErrorContains(t, enter(t, b.URL(postgrestest.Admin), postgrestest.Database), "out of shared memory", "nobody logs in, the administrator included")
		_, err = beta.Exec(t.Context(), "SELECT count(*) FROM orders")
		require.ErrorContains(t, err, "out of shared memory", "not even a session that is there goes on")

		run(t, acme, "SELECT pg_advisory_unlock(g) FROM generate_series(1, 10) g")
		app := postgrestest.Connect(t, b.URL(postgrestest.App))
		_, err = app.Exec(t.Context(), "CREATE TABLE public.a (id int PRIMARY KEY); CREATE TABLE public.b (id int PRIMARY KEY); CREATE TABLE public.c (id int PRIMARY KEY)")
		require.ErrorContains(t, err, "out of shared memory")
		changes := b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta", SampleData: true}))
		assert.Regexp(t, `end a session of tenant_acme that has \d+ of the server's locks`, changes[0])
		run(t, app, "CREATE TABLE public.a (id int PRIMARY KEY)")
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
	})
}

// The pooler is the tenants' only way in. It frees a session's locks after each
// transaction, so the Job finds a moment to log in. It shuts the tenant out then.
func TestATenantThatFillsTheTableOfLocksAgainAndAgainIsSuspended(t *testing.T) {
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

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			conn, err := pgx.Connect(ctx, p.url(t, declared[0]))
			for err == nil && !conn.IsClosed() && ctx.Err() == nil {
				_, _ = conn.Exec(ctx, fillLocks) // it fails each time
			}
		}
	}()
	require.Eventually(t, func() bool { return !free() }, 10*time.Second, time.Millisecond)
	suspended := tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta"})
	changes := b.must(t, suspended)
	assert.Regexp(t, `end a session of tenant_acme that has \d+ of the server's locks`, changes[0])
	stop()
	<-done
	assert.True(t, free())
	postgrestest.Connect(t, b.url(t, declared[1]))
	require.ErrorContains(t, enter(t, b.url(t, declared[0]), postgrestest.Database), "not permitted to log in")
	b.must(t, declared)
	postgrestest.Connect(t, b.url(t, declared[0]))
}

// Only a superuser may revoke what every role has in PostgreSQL.
func TestTheAdministratorCannotRevokeWhatAllRolesMay(t *testing.T) {
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

func TestTemporaryFilesEndAtTheServersLimitThatATenantCannotLift(t *testing.T) {
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

// The server's default ends a migration that was left open. It must not end the Job's
// own session, which waits for pg_dump inside of a transaction.
func TestTheServersIdleTimeoutEndsAnOpenMigrationAndNoArchive(t *testing.T) {
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

// A tenant's session that holds a snapshot holds back vacuum in the whole database. The
// role's settings end it; a session may lift them, and then its suspension ends it.
func TestASnapshotThatHoldsVacuumBackEndsByTheRolesSettingsOrASuspension(t *testing.T) {
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	super := b.Superuser(t, postgrestest.Database)
	held := func() int {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme' AND backend_xmin IS NOT NULL")
	}
	hold := func(first ...string) {
		conn := postgrestest.Connect(t, b.url(t, declared[0]))
		run(t, conn, append(first, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")...)
	}
	assert.Equal(t, "1min", ask[string](t, postgrestest.Connect(t, b.url(t, declared[0])), "SHOW idle_in_transaction_session_timeout"))
	run(t, super, "ALTER ROLE tenant_acme SET idle_in_transaction_session_timeout = '3s'")
	hold()
	assert.Equal(t, 1, held())
	assert.Eventually(t, func() bool { return held() == 0 }, 15*time.Second, 50*time.Millisecond)
	hold("SET idle_in_transaction_session_timeout = 0")
	time.Sleep(4 * time.Second)
	assert.Equal(t, 1, held(), "it lifted its own setting")
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	assert.Zero(t, held())
}

// Nothing in PostgreSQL limits how much write-ahead log a role makes, how large a value
// is that it computes, or how much it stores in large objects.
func TestWhatOneTenantMakesWithoutALimit(t *testing.T) {
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
	assert.NotContains(t, out, "MiB", "the quota does not see them")
}
