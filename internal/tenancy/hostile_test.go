package tenancy_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const takeLocks = "SELECT count(pg_advisory_lock(g)) FROM generate_series(%d, %d) g"

// mostLocks is a number of locks that is above the limit of locks.sql and fits into the
// server's table, on each major.
const mostLocks = 3500

// If old Pods use more connections than the new limit, a new Pod would get none. It would
// never be ready, and the update would wait for it.
func TestOnlyTheLastRunOfAnUpdateLowersTheLimitOfTheAppsRole(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	super := b.Superuser(t, postgrestest.Database)
	limit := func() int { return ask[int](t, super, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app'") }
	for _, more := range []int{2 * appConnections, -1} {
		run(t, super, fmt.Sprintf("ALTER ROLE app CONNECTION LIMIT %d", more))
		b.tolerant().must(t, declared)
		assert.Equal(t, more, limit(), "the app's new Pods start after this run")
		out, err := b.scheduled(t, declared)
		require.NoError(t, err, out)
		assert.Equal(t, more, limit(), "a scheduled run may start between the two runs of an update")
		b.must(t, declared)
		assert.Equal(t, appConnections, limit())
	}
	run(t, super, "ALTER ROLE app CONNECTION LIMIT 1")
	b.tolerant().must(t, declared)
	assert.Equal(t, appConnections, limit(), "the app's new Pods need it")
}

// It must not lock out a tenant while another role runs a large migration. Nor may it lock
// out a role that only has a name like a tenant's.
func TestLockTableGuardLocksOutOnlyTheTenantThatFillsIt(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "CREATE ROLE tenant_reports LOGIN PASSWORD 'x'", "GRANT tenant_reports TO doadmin")
	acme, app := postgrestest.Connect(t, b.url(t, declared[0])), postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, fmt.Sprintf(takeLocks, 1, mostLocks))
	run(t, acme, fmt.Sprintf(takeLocks, 4001, 4150))
	b.must(t, declared)
	run(t, acme, "SELECT 1")
	assert.NoError(t, app.Close(t.Context()))

	u, err := url.Parse(b.URL(postgrestest.App))
	require.NoError(t, err)
	u.User = url.UserPassword("tenant_reports", "x")
	run(t, super, "GRANT CONNECT ON DATABASE app TO tenant_reports")
	run(t, postgrestest.Connect(t, u.String()), fmt.Sprintf(takeLocks, 5001, 5000+mostLocks))
	b.must(t, declared)
	assert.True(t, ask[bool](t, super, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tenant_reports'"))
}

// A query over many partitions needs a lock for each of them, and for each of their indexes.
func TestTenantThatQueriesManyPartitionsKeepsItsSession(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	b.migrate(t, "acme", "CREATE TABLE events (id int, day int, kind int) PARTITION BY LIST (day)", "CREATE INDEX ON events (id)", "CREATE INDEX ON events (kind)", "CREATE INDEX ON events (day)",
		"DO $$ BEGIN FOR n IN 1 .. 300 LOOP EXECUTE format('CREATE TABLE events_%s PARTITION OF events FOR VALUES IN (%1$s)', n); END LOOP; END $$")
	acme := postgrestest.Connect(t, b.url(t, declared[0]))
	run(t, acme, "BEGIN", "SELECT count(*) FROM events WHERE id = 1")
	assert.Greater(t, ask[int](t, acme, "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"), 1200)
	b.must(t, declared)
	run(t, acme, "SELECT 1")
}

// It could lock its tables whenever a run measures them.
func TestTenantThatIsNeverMeasuredLosesItsWritesUntilItIsMeasured(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	b.migrate(t, "acme", "CREATE TABLE notes (id int)")
	app, acme := postgrestest.Connect(t, b.URL(postgrestest.App)), postgrestest.Connect(t, b.url(t, declared[0]))
	lock := []string{"BEGIN", "SET LOCAL ROLE owner_acme", "LOCK TABLE tenant_acme.notes IN ACCESS EXCLUSIVE MODE"}
	run(t, app, lock...)
	for range 2 {
		out, err := b.scheduled(t, declared)
		require.NoError(t, err, out)
		assert.Contains(t, out, "tenant acme: its storage is not measured in this run")
	}
	run(t, app, "ROLLBACK")
	run(t, acme, "INSERT INTO notes VALUES (1)")
	assert.Empty(t, b.must(t, declared), "this run measured it, so the next one counts from one again")
	run(t, b.Superuser(t, postgrestest.Database), "UPDATE platform.tenants SET unmeasured = 2 WHERE name = 'acme'")
	run(t, app, lock...)
	out, err := b.scheduled(t, declared)
	require.NoError(t, err, out)
	assert.Contains(t, out, "tenant acme: 3 runs in a row could not measure its storage, because sessions had locks on its tables for too long; its writes are suspended until it is below 57 MiB")
	run(t, app, "ROLLBACK")
	denies(t, acme, "INSERT INTO notes VALUES (1)")
	b.must(t, declared)
	run(t, acme, "INSERT INTO notes VALUES (1)")
}

func TestTenantCannotForgeAWithheldRight(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenantWithMixedRights(t, b)
	acme := postgrestest.Connect(t, b.url(t, declared[0]))
	run(t, acme, "GRANT INSERT ON feed TO platform_withheld", "GRANT INSERT ON feed TO PUBLIC")
	assert.Empty(t, b.must(t, declared), "it is below its limit, and its own grants are no withheld rights")
	fill(t, b, 70)
	b.must(t, declared)
	denies(t, acme, "INSERT INTO feed VALUES (1)")
	assert.Empty(t, b.must(t, declared))
}

func TestReconcileNamesTheTablesThatAFullTenantCanStillWrite(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenants(settings.Tenant{Name: "acme"})
	b.must(t, declared)
	fill(t, b, 70)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, `ALTER TABLE tenant_acme.hoard RENAME TO "%I""; hoard"`, `ALTER TABLE tenant_acme."%I""; hoard" OWNER TO app`)
	out, err := b.reconcile(t, declared)
	require.NoError(t, err, out)
	assert.Regexp(t, `its writes are suspended until it is below 57 MiB or has a larger plan; it can still write to these tables, because another role owns them: tenant_acme."%I""; hoard"`, out)
}

func TestTenantAboveItsStorageLosesTheWriteRightsOfPublicAsWell(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	declared := named("acme")
	b.must(t, declared)
	b.migrate(t, "acme", "CREATE TABLE board (id int)", "REVOKE ALL ON board FROM tenant_acme", "GRANT INSERT ON board TO PUBLIC",
		"CREATE TABLE profile (id int, name text)", "REVOKE ALL ON profile FROM tenant_acme", "GRANT INSERT (name) ON profile TO PUBLIC")
	acme := postgrestest.Connect(t, b.url(t, declared[0]))
	writes := []string{"INSERT INTO board VALUES (1)", "INSERT INTO profile (name) VALUES ('x')"}
	run(t, acme, writes...)
	fill(t, b, 70)
	b.must(t, declared)
	for _, write := range writes {
		denies(t, acme, write)
	}
	shrink(t, b)
	b.must(t, declared)
	run(t, acme, writes...)
	denies(t, acme, "INSERT INTO profile (id) VALUES (1)")
}
