package tenancy_test

import (
	"context"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// withVariables returns the same test bed for runs with other variables of the Entrypoint.
func (b *bed) withVariables(variables ...string) *bed {
	out := *b
	out.variables = variables
	return &out
}

func (b *bed) tolerant() *bed {
	return b.withVariables(tenancy.VariableTolerate + "=" + tenancy.TolerateTenants)
}

// scheduled runs the Entrypoint as the CronJob does, without an archive volume.
func (b *bed) scheduled(t testing.TB, declared []settings.Tenant) (string, error) {
	t.Helper()
	run := b.withVariables(tenancy.VariableScheduled + "=" + tenancy.Scheduled)
	defer func() { b.last = run.last }()
	return run.reconcileInto(t, declared, "")
}

func exitStatus(t *testing.T, err error, out string) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit := &exec.ExitError{}
	require.ErrorAs(t, err, &exit, out)
	return exit.ExitCode()
}

func TestTolerantRunReportsFailedTenantsAndAStrictRunFails(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("typed"))
	b.migrate(t, "typed", "CREATE TYPE customers AS ENUM ('a')")
	declared := tenants(settings.Tenant{Name: "typed", SampleData: true}, settings.Tenant{Name: "new"})
	const table = "1 of 2 tenants failed, the others are as declared; the next run tries again:\n  tenant | step | reason\n  typed | sample data | "
	out, err := b.tolerant().reconcile(t, declared)
	require.NoError(t, err, out)
	assert.Contains(t, out, table)
	assert.NotContains(t, out, "all as declared")
	postgrestest.Connect(t, b.url(t, declared[1]))

	out, err = b.reconcile(t, declared)
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	assert.Contains(t, out, table)
	b.migrate(t, "typed", "DROP TYPE customers")
	b.must(t, declared)
}

func TestTolerantRunFailsWhenItIsRefusedOrHasAnError(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0).tolerant()
	b.must(t, named("acme"))
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out))
	out, err = b.reconcile(t, tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "acme"})) // a duplicate key in SQL
	assert.NotContains(t, []int{0, tenancy.ExitRefused, tenancy.ExitTenants}, exitStatus(t, err, out))
}

func TestScheduledRunUndoesDrift(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", State: settings.Suspended})
		b.must(t, declared)
		super := b.Superuser(t, postgrestest.Database)
		want := ask[string](t, super, state)
		run(t, postgrestest.Connect(t, b.URL(postgrestest.Admin)),
			"ALTER ROLE tenant_acme CONNECTION LIMIT 20", "ALTER ROLE tenant_beta LOGIN", "GRANT owner_beta TO tenant_acme")
		out, err := b.scheduled(t, declared)
		require.NoError(t, err, out)
		assert.Contains(t, out, "ALTER ROLE tenant_beta NOLOGIN")
		assert.Contains(t, out, "tenants: 2 declared, all as declared")
		assert.Equal(t, want, ask[string](t, super, state))
	})
}

func TestScheduledRunAppliesOnlyTheLastUpdate(t *testing.T) {
	t.Parallel()
	const left = "the last update applied another declaration, and this one waits for its own update; nothing was changed"
	b := newBed(t, 0)
	older, newer := named("acme"), tenants(settings.Tenant{Name: "acme", State: settings.Suspended})
	b.must(t, older)
	b.must(t, newer)
	super := b.Superuser(t, postgrestest.Database)
	want := ask[string](t, super, state)
	for what, declared := range map[string][]settings.Tenant{
		"an older one": older, "one that no update applied": named("acme", "new"), "another password": tenants(settings.Tenant{Name: "acme", State: settings.Suspended, PasswordVersion: 2}),
	} {
		out, err := b.scheduled(t, declared)
		require.NoError(t, err, out)
		assert.Contains(t, out, left, what)
		assert.Equal(t, want, ask[string](t, super, state), what)
	}
	b.must(t, older)
	out, err := b.scheduled(t, older)
	require.NoError(t, err, out)
	assert.Contains(t, out, "all as declared", "an update may apply an earlier declaration again")

	out, err = b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out))
	out, err = b.scheduled(t, older)
	require.NoError(t, err, out)
	assert.Contains(t, out, "all as declared", "a refused declaration does not count as the last update")
}

func TestScheduledRunBeforeTheFirstUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	super := b.Superuser(t, postgrestest.Database)
	early := func() {
		out, err := b.scheduled(t, named("acme"))
		require.NoError(t, err, out)
		assert.Contains(t, out, "no update has run yet; nothing was changed")
	}
	early()
	assert.False(t, ask[bool](t, super, "SELECT to_regnamespace('platform') IS NOT NULL"))
	b.must(t, named("acme"))
	run(t, super, "ALTER TABLE platform.lease DROP declaration") // as in a version without scheduled runs
	early()
	b.must(t, named("acme"))
	out, err := b.scheduled(t, named("acme"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "all as declared")
}

func TestScheduledRunDoesNothingWhileAnUpdateRuns(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	holder := postgrestest.Connect(t, b.URL(postgrestest.Admin))
	run(t, holder, "UPDATE platform.lease SET (pid, backend_start) = (SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())")
	before := ask[int](t, holder, "SELECT last_value FROM platform.revision")
	out, err := b.scheduled(t, named("acme"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "another run is going on; nothing was changed")
	require.NoError(t, holder.Close(context.Background()))
	out, err = b.scheduled(t, named("acme"))
	require.NoError(t, err, out)
	super := b.Superuser(t, postgrestest.Database)
	assert.Equal(t, before, ask[int](t, super, "SELECT last_value FROM platform.revision"), "a scheduled run takes no revision; an update that waits for it would have an older one")
	assert.EqualValues(t, before, ask[int](t, super, "SELECT revision FROM platform.lease"))
}

// After a killed run, some tenants still need the archive volume, and a scheduled run does not
// have it. These tenants cannot log in until an update has completed them.
func TestScheduledRunLeavesArchivePurgeAndRestoreToAnUpdate(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	for _, declared := range beforeKill {
		b.must(t, declared)
	}
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, purgeBack...)
	out, err := b.reconcileInto(t, afterKill, "")
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	out, err = b.scheduled(t, afterKill)
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
	for _, want := range []string{"3 of 6 tenants failed", "back | restore | ", "leaves | archive | ", "old | purge | ", "this run has no archive volume; the next pulumi up does this step"} {
		assert.Contains(t, out, want)
	}
	assert.True(t, ask[bool](t, super, "SELECT to_regnamespace('tenant_old') IS NOT NULL"))
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname ~ '_(back|leaves|old)$'"))
	b.must(t, afterKill)
	want := ask[string](t, super, state)
	out, err = b.scheduled(t, afterKill)
	require.NoError(t, err, out)
	assert.Equal(t, want, ask[string](t, super, state), "after an update, a scheduled run changes nothing")
}

func TestScheduledRunAddsNoSampleDataAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenants(settings.Tenant{Name: "acme", SampleData: true})
	b.must(t, declared)
	b.migrate(t, "acme", "DROP TABLE orders, customers")
	out, err := b.scheduled(t, declared)
	require.NoError(t, err, out)
	assert.Zero(t, ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_tables WHERE schemaname = 'tenant_acme'"))
}
