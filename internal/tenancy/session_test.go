package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestTenantsSessionStartsWithEveryTimeout(t *testing.T) {
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

// The app connects with every connection string that it gets.
func TestOnlyTenantsThatMayLogInHaveAConnectionString(t *testing.T) {
	t.Parallel()
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
