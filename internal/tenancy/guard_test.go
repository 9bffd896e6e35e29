package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// Some rights are not the administrator's to take back, or no statement of the run is
// about them. A tenant that has one does not log in.
func TestATenantThatIsNotKeptApartIsNotLetIn(t *testing.T) {
	for what, test := range map[string]struct {
		grant []string
		want  string
	}{
		"temporary tables": {[]string{"GRANT TEMPORARY ON DATABASE app TO tenant_acme"}, "it may make schemas or temporary tables in app"},
		"schemas":          {[]string{"GRANT CREATE ON DATABASE app TO tenant_acme"}, "it may make schemas or temporary tables in app"},
		"the schema public": {[]string{"ALTER SCHEMA public OWNER TO postgres", "GRANT USAGE ON SCHEMA public TO PUBLIC"},
			"it may use the schema public: its owner has to REVOKE"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 18)
			b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
			run(t, b.Superuser(t, postgrestest.Database), test.grant...)
			out, err := b.reconcile(t, named("acme"))
			assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, out))
			assert.Contains(t, out, "acme | isolation | "+test.want)
			require.ErrorContains(t, refused(b.url(t, named("acme")[0])), "not permitted to log in")
		})
	}
}

// An archive that was made before the tenant was active again is no reason to drop what
// the tenant has now, even if nothing changed since.
func TestATenantThatIsActiveAgainIsNotPurgedByItsOldArchive(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	archivedTenant(t, b)
	for _, state := range []string{settings.Active, settings.Suspended} {
		b.must(t, tenants(settings.Tenant{Name: "acme", State: state}))
		out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
		assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out), state)
		assert.Contains(t, out, "tenant acme: is to be purged, but has no archive")
		assert.True(t, ask[bool](t, b.Superuser(t, postgrestest.Database), "SELECT to_regclass('tenant_acme.notes') IS NOT NULL"), state)
	}
}

func TestATenantAboveItsStorageLosesWhatItMayWriteLikeEverybodyElse(t *testing.T) {
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

// What a session starts with holds whoever pools it.
func TestASessionOfATenantStartsWithEveryTimeout(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := tenants(settings.Tenant{Name: "acme", Plan: "growth"})
		b.must(t, declared)
		acme := postgrestest.Connect(t, b.url(t, declared[0]))
		want := map[string]string{
			"search_path": "tenant_acme", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "1min", "idle_session_timeout": "10min",
		}
		if ask[int](t, acme, "SELECT current_setting('server_version_num')::int") >= 170000 {
			want["transaction_timeout"] = "10min"
		}
		for setting, value := range want {
			assert.Equal(t, value, ask[string](t, acme, "SHOW "+setting), setting)
		}
	})
}

// A connection string is the app's reason to connect.
func TestOnlyTenantsThatMayLogInHaveAConnectionString(t *testing.T) {
	urls, err := tenancy.URLs("postgresql://doadmin:hunter2@db:25060/app", tenancy.Address{Host: "pooler", Port: 6432}, seed, tenants(
		settings.Tenant{Name: "acme"}, settings.Tenant{Name: "late", State: settings.Suspended},
		settings.Tenant{Name: "old", State: settings.Archived}, settings.Tenant{Name: "gone", State: settings.Purged},
	))
	require.NoError(t, err)
	require.Len(t, urls, 1)
	assert.Contains(t, urls["acme.url"], "postgresql://tenant_acme:")
	assert.Contains(t, urls["acme.url"], "@pooler:6432/")
	assert.NotContains(t, urls["acme.url"], "hunter2")
}
