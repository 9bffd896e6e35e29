package tenancy_test

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// A run may log in just before a tenant fills the table of locks. Then it has to see who has
// the locks without taking one.
func TestRunEndsTheSessionThatFillsTheLockTableWhileItLooks(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	acme, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	super := b.Superuser(t, postgrestest.Database)
	script, err := os.Open("reconcile/locks.sql")
	require.NoError(t, err)
	defer func() { assert.NoError(t, script.Close()) }()
	look := b.client(t, postgrestest.Admin)
	look.Env = append(look.Env, "WAS_FULL=true")
	var out bytes.Buffer
	look.Stdin, look.Stdout, look.Stderr = script, &out, &out
	require.NoError(t, look.Start())
	require.Eventually(t, func() bool {
		return ask[bool](t, super, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'DO %' AND wait_event = 'PgSleep')")
	}, 10*time.Second, time.Millisecond)
	_, err = acme.Exec(t.Context(), fillLocks)
	require.Error(t, err)
	require.NoError(t, look.Wait(), out.String())
	assert.Regexp(t, `^INFO:  end the sessions of tenant_acme, which have \d+ of the server's locks\n$`, out.String())
	assert.ErrorContains(t, loginError(t, b.url(t, named("acme")[0]), postgrestest.Database), "password authentication failed")
}

// A serializable transaction's predicate locks are in a table of their own.
func TestRunDoesNotCountPredicateLocks(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	b.migrate(t, "acme", `DO $$ BEGIN
		FOR i IN 1 .. 20 LOOP
			EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, text text)', i);
			EXECUTE format('INSERT INTO t%s SELECT g, repeat(''x'', 2000) FROM generate_series(1, 120) g', i);
		END LOOP;
	END $$`)
	acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
	run(t, acme, "SET enable_seqscan = off", "SET enable_bitmapscan = off", "BEGIN ISOLATION LEVEL SERIALIZABLE", `DO $$ BEGIN
		FOR i IN 1 .. 20 LOOP
			EXECUTE format('SELECT count(text) FROM t%s WHERE id %% 4 = 0 AND id BETWEEN 1 AND 110', i);
		END LOOP;
	END $$`)
	require.Greater(t, ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE mode = 'SIReadLock'"), 300)
	look := b.client(t, postgrestest.Admin)
	look.Env = append(look.Env, "WAS_FULL=true")
	script, err := os.ReadFile("reconcile/locks.sql")
	require.NoError(t, err)
	look.Stdin = bytes.NewReader(script)
	out, err := look.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Empty(t, string(out))
	assert.NoError(t, acme.Ping(t.Context()))
}

// Any statement of a run may fail while the table of locks is full. Then the run begins again.
func TestRunBeginsAgainAfterATenantHasFilledTheLockTable(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme", "beta"))
	acme, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "BEGIN", "LOCK TABLE platform.tenants IN ACCESS EXCLUSIVE MODE")
	command := b.command(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta"}, settings.Tenant{Name: "gamma"}), b.dir)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Start())
	other := b.Superuser(t, postgrestest.Database)
	require.Eventually(t, func() bool {
		return ask[bool](t, other, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'platform-reconcile' AND wait_event_type = 'Lock')")
	}, 20*time.Second, 10*time.Millisecond)
	_, err = acme.Exec(t.Context(), fillLocks)
	require.Error(t, err)
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		for until := time.Now().Add(3 * time.Second); time.Now().Before(until); {
			_, _ = acme.Exec(t.Context(), fillLocks) // it takes what others have freed, and fails
		}
		_ = acme.Close(t.Context()) // the pooler ends a session after 120 s
	}()
	run(t, super, "COMMIT")
	require.NoError(t, command.Wait(), out.String())
	<-filled
	require.ErrorContains(t, loginError(t, b.url(t, named("acme")[0]), postgrestest.Database), "not permitted to log in")
	assert.ElementsMatch(t, []string{"acme suspended", "beta active", "gamma active"},
		ask[[]string](t, super, "SELECT array_agg(name || ' ' || state) FROM platform.tenants"))
}
