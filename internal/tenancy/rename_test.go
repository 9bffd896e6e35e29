package tenancy_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestRenameMovesSchemaRolesAndRowsAndLosesNoRowWrittenMeanwhile(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		old := tenants(settings.Tenant{Name: "ac-me", SampleData: true})
		b.must(t, old)
		b.migrate(t, "ac-me", "CREATE FUNCTION mine() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM tenant_ac_me.orders); END'")
		traffic, err := pgx.Connect(context.Background(), b.url(t, old[0]))
		require.NoError(t, err)
		written := make(chan int)
		go func() {
			n := 0
			for ; ; n++ {
				if _, err := traffic.Exec(context.Background(), "INSERT INTO customers VALUES ($1, 'x', $1::text)", 1000+n); err != nil {
					break // the rename ended the session
				}
			}
			_ = traffic.Close(context.Background())
			written <- n
		}()
		renamed := tenants(settings.Tenant{Name: "globex", RenamedFrom: "ac-me", SampleData: true})
		out, err := b.reconcile(t, renamed)
		require.NoError(t, err, out)
		assert.Contains(t, out, "tenant globex: renamed from ac-me")
		assert.Contains(t, out, "these functions have the old schema in their text; change them by a migration: tenant_globex.mine()")
		assert.Contains(t, out, "all as declared")
		n := <-written
		globex := postgrestest.Connect(t, b.url(t, renamed[0]))
		assert.Equal(t, 20+n, ask[int](t, globex, "SELECT count(*) FROM customers"), "every row that was committed is there")
		super := b.Superuser(t, postgrestest.Database)
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_roles WHERE rolname ~ 'ac_me'"))
		assert.Zero(t, ask[int](t, super, "SELECT count(*) FROM pg_namespace WHERE nspname ~ 'ac_me'"))
		b.migrate(t, "globex", "CREATE TABLE later (id int)")
		run(t, globex, "INSERT INTO later VALUES (1)")
		assert.Empty(t, b.must(t, renamed), "renamedFrom may stay in the stack file")

		out, err = b.reconcile(t, old)
		require.Error(t, err)
		assert.Contains(t, out, "tenant ac-me: was renamed to globex, which is not declared; declare that name, or write renamedFrom: globex here")
		b.must(t, append(tenants(settings.Tenant{Name: "ac-me"}), renamed...))
	})
}

func TestRenameOfAnArchivedTenantIsRefused(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	tenantWithManyObjects(t, b)
	b.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}))
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "globex", RenamedFrom: "acme"}))
	require.Error(t, err)
	assert.Contains(t, out, "tenant globex: is renamed from acme, which is archived; make that one active first")
}

func TestPurgedNameIsUsedAgainOnlyWithRestoreOrFresh(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	tenantWithManyObjects(t, b)
	purge(t, b)
	out, err := b.reconcile(t, named("acme"))
	require.Error(t, err)
	assert.Contains(t, out, "tenant acme: was purged; declare restore: true to have it back, or fresh: true")
	fresh := tenants(settings.Tenant{Name: "acme", Fresh: true})
	b.must(t, fresh)
	assert.Empty(t, b.must(t, fresh))
	assert.True(t, ask[bool](t, postgrestest.Connect(t, b.url(t, fresh[0])), "SELECT to_regclass('notes') IS NULL"))
}
