package tenancy_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// The app's own role locks tables of many tenants, as a migration does that never ends. A run
// waits for each of these tenants, but must not wait a minute for each.
func TestReconcileEndsInTimeWhenTheAppsRoleHasLockedManyTenants(t *testing.T) {
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
	assert.Contains(t, out, "tenant measured: its storage is not measured in this run: sessions had locks on its tables for too long", "a storage check that is left out is no failure")
	assert.Less(t, took, 3*time.Minute)
	t.Logf("%s for %d tenants", took.Round(time.Second), locked)
	super := b.Superuser(t, postgrestest.Database)
	assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_roles WHERE rolname ~ '^tenant_locked' AND rolcanlogin"), "the locked tenants cannot log in either")
	_, err = victim.Exec(t.Context(), "SELECT 1")
	require.Error(t, err, "their sessions are ended")
	assert.Equal(t, 5, ask[int](t, super, "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'tenant_fine'"))
	run(t, app, "ROLLBACK")
	b.must(t, tenants(after...))
}

// A tenant may lock its own tables. The run ends the session that blocks it after some
// seconds. Then it waits for the next table, which another session of the tenant has locked.
// Each wait is short, but without a limit the sum would grow with the number of tables.
func TestTenantThatLocksItsTablesAgainAndAgainStopsOnlyItsOwnStorageCheck(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta"})
	b.must(t, declared)
	const sessions, each = 3, 20
	var lists [sessions]string
	var create []string
	for n := range sessions * each {
		table := fmt.Sprintf("t%03d", n)
		create = append(create, "CREATE TABLE "+table+" (id int)")
		lists[n%sessions] += ", " + table
	}
	b.migrate(t, "acme", create...)
	b.migrate(t, "beta", "CREATE TABLE hoard (body text)", "ALTER TABLE hoard ALTER body SET STORAGE EXTERNAL",
		"INSERT INTO hoard SELECT repeat('x', 1024 * 1014) FROM generate_series(1, 70)")
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, list := range lists {
		group.Go(func() {
			for ctx.Err() == nil {
				conn, err := pgx.Connect(ctx, b.url(t, declared[0]))
				if err != nil {
					continue
				}
				_, _ = conn.Exec(ctx, "BEGIN; LOCK TABLE "+list[2:]+" IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(14)") // the run ends the session
				_ = conn.Close(ctx)
			}
		})
	}
	defer group.Wait()
	defer stop()
	super := b.Superuser(t, postgrestest.Database)
	require.Eventually(t, func() bool {
		return ask[int](t, super, "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") >= sessions*each
	}, 10*time.Second, 20*time.Millisecond)
	start := time.Now()
	out, err := b.scheduled(t, declared)
	took := time.Since(start)
	require.NoError(t, err, out)
	assert.Less(t, took, 40*time.Second)
	t.Logf("%s, with %d sessions that were ended", took.Round(time.Second), strings.Count(out, "end a session of tenant_acme"))
	assert.Contains(t, out, "tenant acme: its storage is not measured in this run: sessions had locks on its tables for too long")
	assert.Regexp(t, `tenant beta: 7\d of 64 MiB; its writes are suspended`, out)
}
