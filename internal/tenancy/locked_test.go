package tenancy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// The app's own role holds a lock on tables of many tenants, as a migration does that
// never ends. Each of them may cost a wait, but not a minute each.
func TestTenantsThatTheAppsRoleHasLockedFailAloneAndTheRunEndsInTime(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	const locked = 14
	var before, after []settings.Tenant
	for n := range locked {
		name := fmt.Sprintf("locked-%02d", n)
		before = append(before, settings.Tenant{Name: name, SampleData: true})
		after = append(after, settings.Tenant{Name: name, SampleData: true, State: settings.Archived})
	}
	measured := settings.Tenant{Name: "measured", SampleData: true}
	before, after = append(before, measured, settings.Tenant{Name: "fine"}), append(after, measured, settings.Tenant{Name: "fine", Plan: "growth"})
	b.must(t, tenants(before...))
	victim := postgrestest.Connect(t, b.url(t, tenants(before...)[0]))
	app := postgrestest.Connect(t, b.URL(postgrestest.App))
	run(t, app, "BEGIN")
	for _, tenant := range before[:locked+1] {
		run(t, app, "SET LOCAL ROLE "+names.Owner(tenant.Name), "LOCK TABLE "+names.SQL(tenant.Name)+".orders IN ACCESS EXCLUSIVE MODE")
	}
	start := time.Now()
	out, err := b.reconcile(t, tenants(after...))
	took := time.Since(start)
	require.Error(t, err)
	assert.Contains(t, out, "14 of 16 tenants failed, the others are as declared")
	assert.Contains(t, out, "tenant measured: its storage is not measured in this run: a session has a lock on its tables", "and that is no failure")
	assert.Less(t, took, 3*time.Minute)
	t.Logf("%s for %d tenants", took.Round(time.Second), locked)
	super := b.Superuser(t, postgrestest.Database)
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^tenant_locked' AND rolcanlogin"), "they are suspended all the same")
	_, err = victim.Exec(t.Context(), "SELECT 1")
	require.Error(t, err, "their sessions are ended")
	assert.Equal(t, 5, ask[int](t, super, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'tenant_fine'"))
	run(t, app, "ROLLBACK")
	b.must(t, tenants(after...))
}
