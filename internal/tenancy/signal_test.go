package tenancy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// waiting waits until a run has sent a statement that has to wait for a lock.
func waiting(t *testing.T, b *bed) {
	t.Helper()
	super := b.Superuser(t, postgrestest.Database)
	require.Eventually(t, func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'platform-reconcile' AND wait_event_type = 'Lock'") > 0
	}, 30*time.Second, 20*time.Millisecond)
}

// Kubernetes ends a Pod by SIGTERM to process 1 only. A shell has no default action there.
func TestReconcileThatGetsSIGTERMLetsTheTenantInAndRemovesItsFiles(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	takeManyLocks(t, b)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "BEGIN", "LOCK TABLE platform.tenants")
	temporary := t.TempDir()
	b.variables = []string{"TMPDIR=" + temporary}
	command := b.command(t, named("acme", "beta"), filepath.Join(b.dir, "archive"))
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Start())
	waiting(t, b)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	begun := time.Now()
	require.Error(t, command.Wait())
	assert.Less(t, time.Since(begun), 10*time.Second)
	assert.Equal(t, 143, command.ProcessState.ExitCode(), out.String())
	assert.Contains(t, out.String(), sessionEnded)
	assert.Contains(t, out.String(), letIn)
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left, "verifiers and the password file are in this folder")
	watching := b.Superuser(t, postgrestest.Database) // in a transaction, pg_stat_activity does not change
	assert.Eventually(t, func() bool {
		return ask[int](t, watching, "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^platform-'") == 0
	}, 10*time.Second, 50*time.Millisecond)
	run(t, super, "COMMIT")
	b.variables = nil
	b.must(t, named("acme", "beta"))
}

// At this time the run has no lease, so let_in.sql does not know its session.
func TestReconcileThatGetsSIGTERMWhileItChecksTheTableOfLocksEndsItsSession(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	command := b.command(t, named("acme"), filepath.Join(b.dir, "archive"))
	endless := "SET client_connection_check_interval = '1s'; SELECT pg_sleep(100);"
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "scripts", "locks.sql"), []byte(endless), 0o600))
	require.NoError(t, command.Start())
	watching := b.Superuser(t, postgrestest.Database)
	const sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'platform-reconcile' AND query ~ 'sleep'"
	require.Eventually(t, func() bool { return ask[int](t, watching, sessions) == 1 }, 30*time.Second, 20*time.Millisecond)
	require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	require.Error(t, command.Wait())
	assert.Eventually(t, func() bool { return ask[int](t, watching, sessions) == 0 }, 20*time.Second, 50*time.Millisecond)
}

// While an update is going on, a scheduled run leaves the work to it. It must also leave the
// tenant locked out, or the tenant could stop the update.
func TestOnlyTheRunWithTheLeaseLetsATenantIn(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	takeManyLocks(t, b)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "BEGIN", "LOCK TABLE platform.tenants")
	update := make(chan string)
	go func() {
		out, err := b.reconcile(t, named("acme", "beta"))
		assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
		update <- out
	}()
	waiting(t, b)
	out, err := b.scheduled(t, named("acme"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "another run is going on; nothing was changed")
	assert.NotContains(t, out, letIn)
	require.Error(t, refused(b.url(t, named("acme")[0])))
	run(t, super, "COMMIT")
	assert.Contains(t, <-update, letIn)
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
}

// A tenant may fill the table of locks while a run waits for another one.
func TestRunThatWaitedChecksTheTableOfLocksAgain(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "BEGIN", "SELECT FROM platform.lease FOR UPDATE")
	update := make(chan string)
	go func() {
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
		assert.NoError(t, err)
		update <- out
	}()
	waiting(t, b)
	takeManyLocks(t, b)
	run(t, super, "COMMIT")
	assert.Contains(t, <-update, sessionEnded)
	require.ErrorContains(t, refused(b.url(t, named("acme")[0])), "not permitted to log in")
}
