package tenancy_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// A tenant's session must not block a run: it could block the tenant's own suspension.
func TestReconcileEndsATenantsSessionThatBlocksIt(t *testing.T) {
	t.Parallel()
	for what, statement := range map[string]string{
		"the advisory lock of earlier versions": "SELECT pg_advisory_lock(hashtextextended('platform.tenants', 0))",
		"its own role":                          "ALTER ROLE tenant_acme PASSWORD NULL",
		"its tables":                            "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 0)
			declared := tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta"})
			b.must(t, declared)
			acme := postgrestest.Connect(t, b.url(t, declared[0]))
			run(t, acme, "SET application_name = 'platform-reconcile'", "BEGIN", statement)
			b.must(t, tenants(settings.Tenant{Name: "acme", SampleData: true, Plan: "growth"}, settings.Tenant{Name: "beta"}))
			b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "beta"}))
			_, err := acme.Exec(context.Background(), "SELECT 1")
			require.Error(t, err, "its session was ended")
		})
	}
}

func TestReconcileAppliesTheOtherTenantsWhenSomeFail(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("typed", "large", "needs", "fine"))
	b.migrate(t, "typed", "CREATE TYPE customers AS ENUM ('a')")
	run(t, postgrestest.Connect(t, b.url(t, named("large")[0])), "SELECT lo_create(4711)")
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, "CREATE TYPE public.mood AS ENUM ('good')")
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "CREATE TABLE tenant_needs.feelings (now public.mood)", "ALTER TABLE tenant_needs.feelings OWNER TO owner_needs")
	out, err := b.reconcile(t, tenants(
		settings.Tenant{Name: "typed", SampleData: true}, settings.Tenant{Name: "large", State: settings.Archived},
		settings.Tenant{Name: "needs", State: settings.Archived}, settings.Tenant{Name: "fine", State: settings.Archived},
		settings.Tenant{Name: "new", SampleData: true},
	))
	exit := &exec.ExitError{}
	require.ErrorAs(t, err, &exit, out)
	assert.NotEqual(t, tenancy.ExitRefused, exit.ExitCode(), "the next run tries again")
	for _, want := range []string{
		"3 of 5 tenants failed, the others are as declared",
		"typed | sample data | type \"customers\" already exists", "large | archive | it owns large objects",
		"needs | archive | ", "move what it needs from other schemas into tenant_needs first",
	} {
		assert.Contains(t, out, want)
	}
	assert.Equal(t, "archived", ask[string](t, super, "SELECT state FROM platform.tenants WHERE name = 'fine'"))
	assert.Equal(t, 200, ask[int](t, postgrestest.Connect(t, b.url(t, named("new")[0])), "SELECT count(*) FROM orders"))
	assert.False(t, ask[bool](t, super, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tenant_large'"), "it is suspended although its archive failed")
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^owner_' AND rolcanlogin"), "no owner may log in after the run")
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_database WHERE datname = 'platform_drill'"))
}

func TestOlderDeclarationThatWaitedChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	holder := postgrestest.Connect(t, b.URL(postgrestest.Admin))
	run(t, holder, "UPDATE platform.lease SET (pid, backend_start) = (SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())")
	older := make(chan string)
	go func() {
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
		exit := &exec.ExitError{}
		if assert.ErrorAs(t, err, &exit, out) {
			assert.Equal(t, tenancy.ExitRefused, exit.ExitCode())
		}
		older <- out
	}()
	super := b.Superuser(t, postgrestest.Database)
	require.Eventually(t, func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'platform-reconcile' AND query ~ 'pg_sleep'") == 1
	}, 30*time.Second, 50*time.Millisecond, "the older run waits for the lease")
	run(t, holder, "UPDATE platform.lease SET revision = nextval('platform.revision')")
	require.NoError(t, holder.Close(context.Background()))
	out := <-older
	assert.Contains(t, out, "refused: a newer declaration (revision 3) ran while this one (revision 2) waited; nothing was changed")
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
	b.must(t, named("acme"))
}

// A run undoes and reports each change of declared settings, made by a tenant's session or
// by a person.
func TestDriftOfRolesAndSchemasIsUndoneAndReported(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme", "beta")
		b.must(t, declared)
		super := b.Superuser(t, postgrestest.Database)
		want := ask[string](t, super, state)
		acme := postgrestest.Connect(t, b.url(t, declared[0]))
		run(t, acme, "ALTER ROLE CURRENT_USER SET work_mem = '1GB'", "ALTER ROLE CURRENT_USER IN DATABASE app SET statement_timeout = 0",
			"ALTER ROLE CURRENT_USER SET search_path = tenant_beta", "ALTER ROLE CURRENT_USER SET client_connection_check_interval = 0",
			"ALTER ROLE CURRENT_USER PASSWORD 'its own'")
		b.migrate(t, "acme", "GRANT USAGE ON SCHEMA tenant_acme TO PUBLIC", "GRANT CREATE ON SCHEMA tenant_acme TO tenant_acme",
			"ALTER DEFAULT PRIVILEGES IN SCHEMA tenant_acme REVOKE INSERT ON TABLES FROM tenant_acme")
		run(t, postgrestest.Connect(t, b.URL(postgrestest.Admin)), "ALTER ROLE tenant_acme VALID UNTIL '2001-01-01' CONNECTION LIMIT 20",
			"GRANT CREATE, TEMPORARY ON DATABASE app TO tenant_acme", "GRANT owner_beta TO tenant_acme", "GRANT tenant_acme TO app", "REVOKE USAGE ON SCHEMA tenant_beta FROM tenant_beta")
		require.NoError(t, acme.Close(context.Background()))
		changes := strings.Join(b.must(t, declared), "\n")
		for _, want := range []string{
			"ALTER ROLE tenant_acme RESET ALL", "ALTER ROLE tenant_acme IN DATABASE app RESET ALL", "ALTER ROLE tenant_acme SET search_path = 'tenant_acme'",
			"ALTER ROLE tenant_acme SET client_connection_check_interval = '5s'",
			"REVOKE ALL ON SCHEMA tenant_acme FROM PUBLIC", "REVOKE CREATE ON SCHEMA tenant_acme FROM tenant_acme", "GRANT USAGE ON SCHEMA tenant_beta TO tenant_beta",
			"REVOKE CREATE ON DATABASE app FROM tenant_acme", "REVOKE TEMPORARY ON DATABASE app FROM tenant_acme", "ALTER ROLE tenant_acme VALID UNTIL 'infinity'", "REVOKE owner_beta FROM tenant_acme", "REVOKE tenant_acme FROM app",
			"IN SCHEMA tenant_acme GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tenant_acme",
		} {
			assert.Contains(t, changes, want)
		}
		assert.Equal(t, want, ask[string](t, super, state))
		postgrestest.Connect(t, b.url(t, declared[0]))
		assert.Empty(t, b.must(t, declared))
	})
}
