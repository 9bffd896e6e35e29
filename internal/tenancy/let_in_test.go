package tenancy_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// takeManyLocks takes most of the server's locks in a session of the tenant acme. The next
// run ends that session.
func takeManyLocks(t *testing.T, b *bed) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.url(t, named("acme")[0]))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(t.Context()) }) // the run ends it
	run(t, conn, fmt.Sprintf(takeLocks, 1, mostLocks))
}

const (
	sessionEnded = "end the sessions of tenant_acme, which have"
	letIn        = "let tenant_acme log in again"
)

// A run locks out a tenant that has most of the server's locks. At its end, the run has to
// let the tenant in again, also if it failed, was refused or changed nothing.
func TestTenantLockedOutByARunCanLogInAfterItWhateverItsResult(t *testing.T) {
	t.Parallel()
	impossible := tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"})
	for what, attempt := range map[string]func(*testing.T, *bed) (string, int){
		"it is refused": func(t *testing.T, b *bed) (string, int) {
			out, err := b.reconcile(t, impossible)
			return out, exitStatus(t, err, out) - tenancy.ExitRefused
		},
		"it leaves the work to another declaration": func(t *testing.T, b *bed) (string, int) {
			out, err := b.scheduled(t, named("acme", "other"))
			return out, exitStatus(t, err, out)
		},
		"a newer one ran": func(t *testing.T, b *bed) (string, int) {
			run(t, b.Superuser(t, postgrestest.Database), "UPDATE platform.lease SET revision = 1000")
			out, err := b.reconcile(t, named("acme"))
			return out, exitStatus(t, err, out) - tenancy.ExitRefused
		},
		"it changes what is declared": func(t *testing.T, b *bed) (string, int) {
			out, err := b.reconcile(t, named("acme", "other"))
			assert.Regexp(t, `1 of 2 tenants failed.*\n.*\n +acme \| table of locks \| it filled the table of locks`, out)
			assert.Equal(t, []string{"acme active", "other active"},
				ask[[]string](t, b.Superuser(t, postgrestest.Database), "SELECT array_agg(name || ' ' || state ORDER BY name) FROM platform.tenants"))
			return out, exitStatus(t, err, out) - tenancy.ExitTenants // a failed Job raises an alert
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 0)
			b.must(t, named("acme"))
			p := newPooler(t, b, named("acme"))
			takeManyLocks(t, b)
			out, status := attempt(t, b)
			assert.Zero(t, status, out)
			assert.Contains(t, out, sessionEnded)
			assert.Contains(t, out, letIn)
			postgrestest.Connect(t, b.url(t, named("acme")[0]))
			run(t, postgrestest.Connect(t, p.url(t, named("acme")[0])), "SELECT 1")
		})
	}
}

func TestTenantLockedOutByAKilledRunCanLogInAfterAnyNextRun(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		b.must(t, named("acme", "beta"))
		takeManyLocks(t, b)
		b.killed(t, named("acme", "beta"), 40)
		require.ErrorContains(t, loginError(t, b.url(t, named("acme")[0]), postgrestest.Database), "password authentication failed")
		postgrestest.Connect(t, b.url(t, named("beta")[0]))
		out, err := b.scheduled(t, named("acme", "other"))
		require.NoError(t, err, out)
		assert.Contains(t, out, letIn)
		postgrestest.Connect(t, b.url(t, named("acme")[0]))
		out, err = b.scheduled(t, named("acme", "beta"))
		require.NoError(t, err, out)
		assert.NotContains(t, out, letIn)
	})
}
