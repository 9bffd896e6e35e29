package tenancy_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// stopSession opens a session of the tenant acme, and stops its process. The session does not
// end before goOn, as in a statement that cannot be interrupted.
func stopSession(t *testing.T, b *bed) (goOn func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	pid := ask[int](t, conn, "SELECT pg_backend_pid()")
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	goOn = func() { _ = syscall.Kill(pid, syscall.SIGCONT) } // it may have ended
	t.Cleanup(func() {
		goOn()
		_ = conn.Close(context.Background()) // the run ends it
	})
	return goOn
}

func TestSuspensionWaitsForASessionThatEndsLate(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	goOn := stopSession(t, b)
	super := b.Superuser(t, postgrestest.Database)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
		assert.NoError(t, err, out)
	}()
	require.Eventually(t, func() bool {
		return !ask[bool](t, super, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tenant_acme'")
	}, 30*time.Second, 20*time.Millisecond)
	time.Sleep(2 * time.Second) // end_sessions waits 5 s
	goOn()
	<-ended
}

// It could keep its writes, or write to a schema while that is dumped.
func TestTenantWhoseSessionDoesNotEndIsMeasuredButNotArchived(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	fill(t, b, 70)
	goOn := stopSession(t, b)
	super := b.Superuser(t, postgrestest.Database)
	for _, state := range []string{settings.Suspended, settings.Archived} {
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: state}))
		assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
		assert.Contains(t, out, "acme | ending its sessions | 1 sessions of tenant_acme have not ended after 5 s")
		assert.NotContains(t, out, "acme | archive | ", "a later step is not tried")
		assert.False(t, ask[bool](t, super, "SELECT has_table_privilege('tenant_acme', 'tenant_acme.hoard', 'INSERT')"), state)
		assert.Equal(t, "active", ask[string](t, super, "SELECT state FROM platform.tenants"), state)
	}
	goOn()
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
}

// PostgreSQL refuses the first change. The message of that error must not hide its code, or the
// run would not try again.
func TestPasswordIsSetAlthoughTheTenantChangesItsRoleMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the run may end it
	run(t, conn, "BEGIN", "ALTER ROLE tenant_acme PASSWORD 'its own'")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out, err := b.reconcile(t, named("acme"))
		assert.NoError(t, err, out)
	}()
	waiting(t, b)
	run(t, conn, "COMMIT")
	<-ended
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
}

// A migration may give a tenant rights on another tenant's table.
func TestSessionOfAnotherTenantThatBlocksADumpIsEnded(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme", "beta"))
	b.migrate(t, "acme", "CREATE TABLE notes (id int)", "GRANT USAGE ON SCHEMA tenant_acme TO tenant_beta", "GRANT UPDATE ON notes TO tenant_beta")
	conn, err := pgx.Connect(t.Context(), b.url(t, named("beta")[0]))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the run ends it
	run(t, conn, "BEGIN", "LOCK TABLE tenant_acme.notes IN ACCESS EXCLUSIVE MODE")
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "beta"}))
	require.NoError(t, err, out)
	assert.Contains(t, out, "end a session of tenant_beta that blocks this run")
}

// SIGKILL leaves the shell no time to end its programs.
func TestNoSessionStaysAfterTheShellOfARunWasKilled(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "BEGIN", "LOCK TABLE platform.tenants")
	b.variables = []string{"TMPDIR=" + t.TempDir()}
	command := b.command(t, named("acme"), filepath.Join(b.dir, "archive"))
	require.NoError(t, command.Start())
	waiting(t, b)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	run(t, super, "COMMIT")
	assert.Eventually(t, func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^platform-'") == 0
	}, 30*time.Second, 50*time.Millisecond)
}
