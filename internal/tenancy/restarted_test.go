package tenancy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// prefix puts text before one of the files that command has written.
func (b *bed) prefix(t *testing.T, file, text string) {
	t.Helper()
	path := filepath.Join(b.dir, "scripts", file)
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append([]byte(text+"\n"), old...), 0o600))
}

// An update that begins again has waited. A newer update may have run meanwhile.
func TestUpdateThatBeginsAgainIsRefusedIfANewerOneRanMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "CREATE SEQUENCE public.attempts", "GRANT ALL ON SEQUENCE public.attempts TO PUBLIC")
	older := b.command(t, named("acme"), filepath.Join(b.dir, "archive"))
	b.prefix(t, "declared.sql", `DO $$ BEGIN
		IF nextval('public.attempts') = 1 THEN PERFORM pg_sleep(3); RAISE EXCEPTION 'out of shared memory'; END IF;
	END $$;`)
	var out strings.Builder
	older.Stdout, older.Stderr = &out, &out
	require.NoError(t, older.Start())
	require.Eventually(t, func() bool { return ask[bool](t, super, "SELECT is_called FROM public.attempts") }, 10*time.Second, 10*time.Millisecond)
	newer := &bed{Server: b.Server, dir: t.TempDir()}
	newer.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	err := older.Wait()
	assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out.String()), out.String())
	assert.Equal(t, "suspended", ask[string](t, super, "SELECT state FROM platform.tenants"))
}

// Whoever ends a run may send SIGTERM again while it cleans up.
func TestSecondSIGTERMDoesNotKeepARunFromRemovingItsFiles(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	temporary := t.TempDir()
	b.variables = []string{"TMPDIR=" + temporary}
	command := b.command(t, named("acme"), filepath.Join(b.dir, "archive"))
	b.prefix(t, "let_in.sql", "SELECT pg_sleep(2);")
	b.prefix(t, "declared.sql", "SELECT pg_sleep(60);")
	require.NoError(t, command.Start())
	for _, seconds := range []string{"60", "2"} {
		require.Eventually(t, func() bool {
			return ask[bool](t, super, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep("+seconds+");' AND state = 'active')")
		}, 20*time.Second, 10*time.Millisecond)
		require.NoError(t, command.Process.Signal(syscall.SIGTERM))
	}
	err := command.Wait()
	assert.Equal(t, 143, exitStatus(t, err, ""))
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// If the disk is full, the shell creates an empty file.
func TestRunThatCannotNoteItsSessionLetsTheTenantIn(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	takeManyLocks(t, b)
	command := b.command(t, named("acme"), filepath.Join(b.dir, "archive"))
	b.prefix(t, "declared.sql", `\! : > "$WORK/session"`)
	out, err := command.CombinedOutput()
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, string(out)))
	assert.Contains(t, string(out), letIn)
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
}

// The disk may be full. A part of the declaration would suspend the tenants that are missing.
func TestRunThatCannotCopyTheDeclarationChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme", "beta"))
	command := b.command(t, named("acme", "beta"), filepath.Join(b.dir, "archive"))
	programs := t.TempDir()
	short := "#!/bin/sh\n/bin/cp \"$@\"\nsed -i '$d; s/),$/)/' \"$WORK/desired.sql\"\nexit 1\n"
	require.NoError(t, os.WriteFile(filepath.Join(programs, "cp"), []byte(short), 0o700))
	command.Env = append(command.Env, "PATH="+programs+":"+b.Clients(t)+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	assert.Equal(t, 3, exitStatus(t, err, string(out)), "psql's status for an error in a script")
	assert.Contains(t, string(out), "the declaration could not be copied")
	postgrestest.Connect(t, b.url(t, named("beta")[0]))
}

// A tenant may fill the table of locks for a moment. Then it may block the run by its own role.
func TestSessionThatEndsBlockersOutlivesAFullLockTable(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
	watched := postgrestest.Connect(t, b.URL(postgrestest.Admin))
	script, err := os.Open("reconcile/watch.sql")
	require.NoError(t, err)
	defer func() { assert.NoError(t, script.Close()) }()
	watch := b.client(t, postgrestest.Admin)
	watch.Args = append(watch.Args, "-v", "run="+ask[string](t, watched, "SELECT pg_backend_pid()::text"))
	watch.Env = append(watch.Env, "PGAPPNAME=platform-watch")
	var out bytes.Buffer
	watch.Stdin, watch.Stdout, watch.Stderr = script, &out, &out
	require.NoError(t, watch.Start())
	const watching = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'platform-watch' AND query LIKE 'SELECT pg_temp.end_blockers%'"
	require.Eventually(t, func() bool { return ask[int](t, super, watching) == 1 }, 10*time.Second, 10*time.Millisecond)
	_, err = acme.Exec(t.Context(), fillLocks)
	require.Error(t, err)
	time.Sleep(2500 * time.Millisecond)
	run(t, acme, "SELECT pg_advisory_unlock_all()")
	assert.Equal(t, 1, ask[int](t, super, watching), out.String())
	require.NoError(t, watched.Close(t.Context()))
	_ = watch.Wait() // it ends itself with its session
	assert.NotContains(t, out.String(), "out of shared memory")
}
