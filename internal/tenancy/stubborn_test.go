package tenancy_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// repeat sends statements in new sessions of a role until the returned function is called or the test
// ends. A statement may fail, and the run may end a session.
func repeat(t *testing.T, url string, sessions int, statements string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	for range sessions {
		senders.Go(func() {
			for ctx.Err() == nil {
				conn, err := pgx.Connect(ctx, url)
				for err == nil && !conn.IsClosed() && ctx.Err() == nil {
					_, _ = conn.Exec(ctx, statements)
				}
				if conn != nil {
					_ = conn.Close(context.Background())
				}
			}
		})
	}
	stop = func() {
		cancel()
		senders.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// PostgreSQL refuses a change of a role that another session has changed meanwhile.
func TestTenantThatChangesItsRoleAllTheTimeIsSuspended(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme"))
		repeat(t, b.url(t, named("acme")[0]), 2, "BEGIN; ALTER ROLE tenant_acme PASSWORD 'x'; SELECT pg_sleep(1.5); COMMIT")
		super := b.Superuser(t, postgrestest.Database)
		require.Eventually(t, func() bool {
			return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme'") == 2
		}, 10*time.Second, 20*time.Millisecond)
		b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme'"))
		require.ErrorContains(t, refused(b.url(t, named("acme")[0])), "not permitted to log in")
	})
}

// A multiplication of long numbers cannot be interrupted. A run must not say that a tenant is
// suspended while one of its statements goes on.
func TestRunFailsForATenantWhoseSessionDoesNotEnd(t *testing.T) {
	t.Parallel()
	b := newBed(t, 17)
	b.must(t, named("acme"))
	conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	products := strings.TrimSuffix(strings.Repeat("n*n,", 90), ",")
	ended := make(chan time.Time, 1)
	go func() {
		_, _ = conn.Exec(t.Context(), "DO $$ DECLARE n numeric := repeat('9', 60000)::numeric; BEGIN PERFORM greatest("+products+") > 0; END $$")
		ended <- time.Now()
	}()
	super := b.Superuser(t, postgrestest.Database)
	require.Eventually(t, func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme' AND state = 'active'") == 1
	}, 10*time.Second, 20*time.Millisecond)
	suspended := tenants(settings.Tenant{Name: "acme", State: settings.Suspended})
	out, err := b.reconcile(t, suspended)
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Contains(t, out, "acme | ending its sessions | 1 sessions of tenant_acme have not ended after 5 s: they are in a statement that cannot be interrupted")
	<-ended
	b.must(t, suspended)
}

// The tenant would be an empty one under its new name, and the next run would not notice.
func TestFailedRenameKeepsTheTenantAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	before := tenants(settings.Tenant{Name: "acme", SampleData: true})
	b.must(t, before)
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, "BEGIN", "SET LOCAL ROLE owner_acme", "GRANT USAGE ON SCHEMA tenant_acme TO app")
	after := tenants(settings.Tenant{Name: "acme-inc", RenamedFrom: "acme"})
	out, err := b.reconcile(t, after)
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Contains(t, out, "acme-inc | rename | ")
	assert.Equal(t, 200, ask[int](t, postgrestest.Connect(t, b.url(t, before[0])), "SELECT count(*) FROM orders"), "the app goes on under the old name")
	run(t, app, "ROLLBACK")
	b.must(t, after)
	assert.Equal(t, 200, ask[int](t, postgrestest.Connect(t, b.url(t, after[0])), "SELECT count(*) FROM orders"))
}

// A function of the tenant runs in its test restore. It may send any bytes, and take any time.
func TestFunctionOfATenantStopsOnlyItsOwnArchive(t *testing.T) {
	t.Parallel()
	for what, body := range map[string]string{
		"bytes of another encoding": "PERFORM set_config('client_encoding', 'LATIN1', false); RAISE EXCEPTION 'permission denied for table %', chr(252) || '4111-1111';",
		"endless":                   "PERFORM pg_sleep(1000);",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 0)
			b.must(t, named("abel", "acme"))
			b.migrate(t, "acme", "CREATE FUNCTION passes(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF current_database() = 'platform_drill' THEN "+body+" END IF; RETURN true; END $$",
				"CREATE TABLE notes (id int CHECK (passes(id)))", "INSERT INTO notes VALUES (1)")
			b.variables = []string{"TENANT_SECONDS=40"}
			out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "abel", State: settings.Archived}))
			assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out), out)
			assert.Contains(t, out, "tenant abel: archived")
			assert.Contains(t, out, "acme | archive | ")
			assert.NotContains(t, out, "4111")
			if what == "endless" {
				assert.Contains(t, out, "it took longer than 40 s")
			}
			parts, err := filepath.Glob(filepath.Join(b.dir, "archive", "*", "*.part"))
			require.NoError(t, err)
			assert.Empty(t, parts, "they would fill the volume")
			assert.Zero(t, ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_database WHERE datname = 'platform_drill'"),
				"acme comes last, so no later archive drops it")
		})
	}
}

// A role cannot be dropped while it has a right in any database.
func TestPurgeRevokesTheRightsOfATenantInOtherDatabases(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme", "beta"))
	beta := postgrestest.Connect(t, strings.Replace(b.url(t, named("beta")[0]), "/app?", "/postgres?", 1))
	run(t, beta, "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO tenant_acme, owner_acme")
	with := func(acme settings.Tenant) []settings.Tenant { return tenants(acme, settings.Tenant{Name: "beta"}) }
	b.must(t, with(settings.Tenant{Name: "acme", State: settings.Archived}))
	b.must(t, with(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	assert.Zero(t, ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_roles WHERE rolname ~ 'acme'"))
}

// A session of the app's role that became the owner before the archive can still write.
func TestPurgeWaitsForARowThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	b.migrate(t, "acme", "CREATE TABLE notes (id int)")
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, "SET ROLE owner_acme")
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	run(t, app, "BEGIN", "INSERT INTO tenant_acme.notes VALUES (1)")
	purged := make(chan string)
	go func() {
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
		assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
		purged <- out
	}()
	waiting(t, b)
	run(t, app, "COMMIT")
	assert.Contains(t, <-purged, "acme | purge | nothing was dropped: its schema differs from its archive")
	assert.Equal(t, 1, ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM tenant_acme.notes"))
}

// Many sessions of one tenant may have fewer locks each than one session of another tenant.
func TestTenantWithMostLocksInAllItsSessionsIsLockedOut(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, tenants(settings.Tenant{Name: "acme", Plan: "growth"}, settings.Tenant{Name: "beta"}))
	for n := range 3 {
		conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the run ends it
		run(t, conn, fmt.Sprintf(takeLocks, 10000*n+1, 10000*n+800))
	}
	beta := postgrestest.Connect(t, b.url(t, named("beta")[0]))
	run(t, beta, fmt.Sprintf(takeLocks, 50001, 50850))
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", Plan: "growth"}, settings.Tenant{Name: "beta"}))
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Contains(t, out, sessionEnded)
	run(t, beta, "SELECT 1")
}
