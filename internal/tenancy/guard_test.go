package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// A run cannot revoke these rights, because another role granted them. So a tenant that has
// one of them must not log in.
func TestTenantThatIsNotIsolatedCannotLogIn(t *testing.T) {
	t.Parallel()
	for what, test := range map[string]struct {
		grant []string
		want  string
	}{
		"temporary tables": {[]string{"ALTER DATABASE app OWNER TO postgres", "GRANT CONNECT, TEMPORARY ON DATABASE app TO doadmin", "GRANT TEMPORARY ON DATABASE app TO tenant_acme"}, "it may create schemas or temporary tables in app"},
		"schemas":          {[]string{"ALTER DATABASE app OWNER TO postgres", "GRANT CONNECT, TEMPORARY ON DATABASE app TO doadmin", "GRANT CREATE ON DATABASE app TO tenant_acme"}, "it may create schemas or temporary tables in app"},
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

// A purge needs an archive of the tenant's last time as an active tenant. An older archive
// is not enough, even if no row has changed.
func TestPurgeIsRefusedWhenTheTenantWasActiveAfterItsArchive(t *testing.T) {
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
