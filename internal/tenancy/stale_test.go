package tenancy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// After a restart of the server, a session may have the process ID of the last run.
func TestSessionWithTheProcessIDOfAnEarlierRunDoesNotHaveTheLease(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	other := postgrestest.Connect(t, b.URL(postgrestest.Admin))
	const stale = "UPDATE platform.lease SET pid = pg_backend_pid(), backend_start = now() - interval '1 day'"
	run(t, other, stale)
	end := time.AfterFunc(20*time.Second, func() { _ = other.PgConn().Conn().Close() })
	out, err := b.reconcile(t, named("acme"))
	require.True(t, end.Stop(), "the run waited for a session that has no lease")
	require.NoError(t, err, out)
	assert.NotContains(t, out, "waiting for another run to end")

	// A run that ends before it takes the lease lets tenants in as well.
	run(t, other, "ALTER TABLE platform.lease DROP declaration", stale, "ALTER ROLE tenant_acme VALID UNTIL '-infinity'")
	out, err = b.scheduled(t, named("acme"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "no update has run yet; nothing was changed")
	assert.Contains(t, out, letIn)
}

// The number of locks in the server's table depends on all settings that create processes.
// Locks on the fast path are not in that table.
func TestTenantIsLockedOutOnlyAboveThreeQuartersOfTheTableOfLocks(t *testing.T) {
	eachMajor(t, func(t *testing.T, major int) {
		b := newBed(t, major)
		b.must(t, named("acme"))
		processes := 25 + 8 + 10 + 1 + 3 // connections, workers, senders of write-ahead log, the launcher, autovacuum
		if major == 18 {
			processes += 16 - 3 // slots for autovacuum workers
		}
		limit := 64 * processes * 3 / 4
		var tables []string
		for n := range 14 {
			tables = append(tables, fmt.Sprintf("fast_%d", n))
			b.migrate(t, "acme", "CREATE TABLE "+tables[n]+" ()")
		}
		acme, super := postgrestest.Connect(t, b.url(t, named("acme")[0])), b.Superuser(t, postgrestest.Database)
		run(t, acme, fmt.Sprintf(takeLocks, 1, limit-2), "BEGIN", "LOCK TABLE "+strings.Join(tables, ", ")+" IN ACCESS SHARE MODE")
		assert.Equal(t, limit-2, ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
		assert.GreaterOrEqual(t, ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE fastpath"), 14)
		assert.NotContains(t, strings.Join(b.must(t, named("acme")), "\n"), sessionEnded)
		run(t, acme, fmt.Sprintf(takeLocks, limit, limit+10))
		out, err := b.reconcile(t, named("acme"))
		assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
		assert.Contains(t, out, sessionEnded)
	})
}

// A run that was killed may have left it, and it has a tenant's rows.
func TestNextRunDropsTheDrillOfARunThatWasKilled(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	admin, super := postgrestest.Connect(t, b.URL(postgrestest.Admin)), b.Superuser(t, postgrestest.Database)
	run(t, admin, "CREATE DATABASE platform_drill")
	require.NoError(t, loginError(t, b.URL(postgrestest.App), "platform_drill"))
	b.must(t, named("acme"))
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_database WHERE datname = 'platform_drill'"))

	run(t, super, "CREATE DATABASE platform_drill")
	out, err := b.reconcile(t, named("acme"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "must be owner of database platform_drill", "this stops no other step")
	run(t, super, "DROP DATABASE platform_drill")
}

// The record said that the archive is in the schema. So the second restore would leave the
// schema empty.
func TestTenantPurgedAgainAfterARestoreIsRestoredAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	tenantWithManyObjects(t, b)
	purge(t, b)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "ALTER SCHEMA public OWNER TO postgres", "GRANT USAGE ON SCHEMA public TO PUBLIC")
	back := tenants(settings.Tenant{Name: "acme", Restore: true})
	out, err := b.reconcile(t, back)
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Contains(t, out, "acme | isolation | ")
	run(t, super, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	assert.True(t, ask[bool](t, super, "SELECT to_regnamespace('tenant_acme') IS NULL"))
	b.must(t, back)
	assert.Equal(t, 2, ask[int](t, postgrestest.Connect(t, b.url(t, back[0])), "SELECT count(*) FROM notes"))
}

// The schema would be created again, without rows.
func TestTenantWhoseSchemaIsMissingIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	archivedTenant(t, b)
	admin := postgrestest.Connect(t, b.URL(postgrestest.Admin))
	run(t, admin, "DROP SCHEMA tenant_acme CASCADE") // as a purge does that is killed then
	for _, state := range []string{settings.Active, settings.Archived} {
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: state}))
		assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out), state)
		assert.Contains(t, out, "tenant acme: its schema tenant_acme is missing, although it is not purged; if a purge was interrupted, declare state: purged again; "+
			"to start with an empty schema, run CREATE SCHEMA tenant_acme as doadmin")
	}
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	back := tenants(settings.Tenant{Name: "acme", Restore: true})
	b.must(t, back)
	run(t, postgrestest.Connect(t, b.url(t, back[0])), "SELECT FROM notes")
	run(t, admin, "DROP SCHEMA tenant_acme CASCADE")
	out, err := b.reconcile(t, back)
	assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out))
	assert.Contains(t, out, "its schema tenant_acme is missing")
}

// A failed run with fresh: true leaves its own sample data in the schema. That is no restore.
func TestFreshIsTriedAgainAfterARunThatFailed(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	tenantWithManyObjects(t, b)
	purge(t, b)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "ALTER SCHEMA public OWNER TO postgres", "GRANT USAGE ON SCHEMA public TO PUBLIC")
	fresh := tenants(settings.Tenant{Name: "acme", Fresh: true, SampleData: true})
	out, err := b.reconcile(t, fresh)
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Contains(t, out, "acme | isolation | ")
	assert.True(t, ask[bool](t, super, "SELECT to_regclass('tenant_acme.orders') IS NOT NULL"))
	run(t, super, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
	b.must(t, fresh)
}

func TestTenantThatNeverBecameActiveIsRecordedAsSuspendedWhenItIsMissing(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "ALTER SCHEMA public OWNER TO postgres", "GRANT USAGE, CREATE ON SCHEMA public TO app", "GRANT USAGE ON SCHEMA public TO PUBLIC")
	out, err := b.reconcile(t, named("acme"))
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Equal(t, "new", ask[string](t, super, "SELECT state FROM platform.tenants"))
	b.must(t, nil)
	assert.Equal(t, "suspended", ask[string](t, super, "SELECT state FROM platform.tenants"))
}
