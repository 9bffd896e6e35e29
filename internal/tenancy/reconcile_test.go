package tenancy_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// ask runs a query, and returns its only value.
func ask[T any](t testing.TB, conn *pgx.Conn, query string, args ...any) T {
	t.Helper()
	var out T
	require.NoError(t, conn.QueryRow(context.Background(), query, args...).Scan(&out), query)
	return out
}

func run(t testing.TB, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}

// majors are the major versions of PostgreSQL that tests use: 0 is the installed one, the
// others are those that production may have. The rights on public changed in 15, and the
// membership of roles in 16.
var majors = []int{0, 17, 18}

// everyMajor runs a test on a server of each of the majors.
func everyMajor(t *testing.T, test func(*testing.T, *bed)) {
	eachMajor(t, func(t *testing.T, major int) { test(t, newBed(t, major)) })
}

// eachMajor runs a test once for each of the majors, at the same time as other tests. The test
// starts its own servers. If it does not depend on the version, use newBed(t, 0) instead.
func eachMajor(t *testing.T, test func(*testing.T, int)) {
	t.Parallel()
	for _, major := range majors {
		t.Run(fmt.Sprintf("major=%d", major), func(t *testing.T) {
			t.Parallel()
			test(t, major)
		})
	}
}

func TestADeclaredTenantReadsItsSampleDataWithItsOwnURL(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "be-ta", Plan: "growth"})
		assert.Contains(t, b.must(t, declared), "CREATE SCHEMA tenant_acme AUTHORIZATION owner_acme")
		assert.Empty(t, b.must(t, declared), "a second run changes nothing")

		conn := postgrestest.Connect(t, b.url(t, declared[0]))
		assert.Equal(t, 20, ask[int](t, conn, "SELECT count(*) FROM customers"))
		assert.Equal(t, 200, ask[int](t, conn, "SELECT count(*) FROM orders"))
		assert.Equal(t, "15s", ask[string](t, conn, "SHOW statement_timeout"))
		beta := postgrestest.Connect(t, b.url(t, declared[1]))
		assert.Equal(t, "tenant_be_ta", ask[string](t, beta, "SELECT current_schema()"))
		assert.Equal(t, 5, ask[int](t, beta, "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"))
	})
}

func TestAppsRoleMigratesEveryTenant(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme")
		b.must(t, declared)
		app := postgrestest.Connect(t, b.URL(postgrestest.App))
		run(t, app, "CREATE TABLE public.migrations (version int)",
			"BEGIN", "SET LOCAL ROLE owner_acme", "CREATE TABLE tenant_acme.invoices (id int)", "INSERT INTO tenant_acme.invoices VALUES (7)", "COMMIT")
		tenant := postgrestest.Connect(t, b.url(t, declared[0]))
		assert.Equal(t, 7, ask[int](t, tenant, "SELECT id FROM invoices"))
		assert.Equal(t, "owner_acme", ask[string](t, tenant, "SELECT tableowner FROM pg_tables WHERE tablename = 'invoices'"))
	})
}

func TestChangedSettingsOfATenantAreApplied(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	grown := tenants(settings.Tenant{Name: "acme", Plan: "enterprise", PasswordVersion: 2})
	assert.ElementsMatch(t, []string{
		"ALTER ROLE tenant_acme CONNECTION LIMIT 5", "ALTER ROLE tenant_acme SET statement_timeout = '60s'",
		"ALTER ROLE tenant_acme PASSWORD from the Secret",
	}, b.must(t, grown))
	_, err := pgx.Connect(context.Background(), b.url(t, named("acme")[0]))
	require.ErrorContains(t, err, "password authentication failed", "the old password is no longer good")
	postgrestest.Connect(t, b.url(t, grown[0]))
}

func TestSuspensionEndsSessionsAndKeepsData(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme", SampleData: true}, settings.Tenant{Name: "beta"})
		b.must(t, declared)
		live, other := postgrestest.Connect(t, b.url(t, declared[0])), postgrestest.Connect(t, b.url(t, declared[1]))
		suspended := tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta"})
		b.must(t, suspended)
		_, err := live.Exec(context.Background(), "SELECT 1")
		require.Error(t, err, "the run ended its session")
		_, err = pgx.Connect(context.Background(), b.url(t, declared[0]))
		require.ErrorContains(t, err, "not permitted to log in")
		assert.Equal(t, 1, ask[int](t, other, "SELECT 1"), "the other tenant's session still works")

		b.must(t, declared)
		assert.Equal(t, 200, ask[int](t, postgrestest.Connect(t, b.url(t, declared[0])), "SELECT count(*) FROM orders"))
	})
}

func TestTenantMissingFromTheDeclarationIsSuspendedAndReported(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme", "beta"))
	out, err := b.reconcile(t, named("beta"))
	require.NoError(t, err, out)
	assert.Contains(t, out, "WARNING:  no longer declared, and so suspended; nothing of theirs was dropped: acme")
	super := b.Superuser(t, postgrestest.Database)
	assert.False(t, ask[bool](t, super, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tenant_acme'"))
	assert.True(t, ask[bool](t, super, "SELECT to_regnamespace('tenant_acme') IS NOT NULL"))
	assert.Empty(t, b.must(t, named("beta")))
	assert.NotEmpty(t, b.must(t, named("acme", "beta")), "a declaration activates it again")
	postgrestest.Connect(t, b.url(t, named("acme")[0]))
}

func TestImpossibleDeclarationsAreRefusedTogetherAndChangeNothing(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	run(t, b.Superuser(t, postgrestest.Database), "CREATE SCHEMA tenant_foreign", "CREATE ROLE tenant_mighty CREATEDB")
	b.must(t, named("acme"))
	out, err := b.reconcile(t, tenants(
		settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"},
		settings.Tenant{Name: "beta", Restore: true}, settings.Tenant{Name: "foreign"}, settings.Tenant{Name: "mighty"},
		settings.Tenant{Name: "new"},
	))
	require.Error(t, err)
	for _, want := range []string{
		"nothing was changed", "tenant acme: is to be purged, but has no archive", "tenant beta: has no archive to restore",
		"tenant foreign: the schema tenant_foreign belongs to postgres", "tenant mighty: the role tenant_mighty has more rights than a tenant may have",
	} {
		assert.Contains(t, out, want)
	}
	super := b.Superuser(t, postgrestest.Database)
	assert.False(t, ask[bool](t, super, "SELECT to_regrole('tenant_new') IS NOT NULL"))
	assert.True(t, ask[bool](t, super, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'tenant_acme'"))
}

func TestNoPasswordIsInTheOutputOrTheServersLog(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	out, err := b.reconcile(t, declared)
	require.NoError(t, err)
	log, err := os.ReadFile(b.LogFile())
	require.NoError(t, err)
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	verifier := strings.TrimSpace(strings.SplitN(verifiers, ",", 2)[1])
	for _, text := range []string{out, string(log), tenancy.Files(declared, "app", appConnections)["desired.sql"]} {
		assert.NotContains(t, text, tenancy.Password(seed, declared[0]))
		assert.NotContains(t, text, verifier)
	}
	super := b.Superuser(t, postgrestest.Database)
	assert.Equal(t, verifier, ask[string](t, super, "SELECT rolpassword FROM pg_authid WHERE rolname = 'tenant_acme'"))
}

func TestTwoRunsNeverInterleave(t *testing.T) {
	t.Parallel()
	b, other := newBed(t, 0), &bed{}
	*other = *b
	other.dir = t.TempDir()
	var group sync.WaitGroup
	var succeeded atomic.Int32
	group.Add(2)
	for _, one := range []*bed{b, other} {
		go func() {
			defer group.Done()
			out, err := one.reconcile(t, named("acme", "beta", "gamma"))
			if err == nil {
				succeeded.Add(1)
				return
			}
			// The run with the older declaration waited, and the newer one ran before it.
			assert.Contains(t, out, "refused: a newer declaration")
		}()
	}
	group.Wait()
	assert.Positive(t, succeeded.Load())
	assert.Empty(t, b.must(t, named("acme", "beta", "gamma")))
}

func TestNamesThatNeedQuotingAreQuoted(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "'it''s'", tenancy.Literal("it's"))
	assert.Equal(t, ` E'a\\b'`, tenancy.Literal(`a\b`))
	b := newBed(t, 0)
	super := b.Superuser(t, postgrestest.Database)
	for _, text := range []string{`'; DROP ROLE app; --`, `\'; --`, "a\nb", `"quoted"`} {
		assert.Equal(t, text, ask[string](t, super, "SELECT "+tenancy.Literal(text)))
	}
	long := strings.Repeat("a-", 27) + "bc"
	b.must(t, named(long))
	assert.Len(t, names.SQL(long), 63)
	assert.True(t, ask[bool](t, super, "SELECT to_regrole($1) IS NOT NULL", names.SQL(long)))
}
