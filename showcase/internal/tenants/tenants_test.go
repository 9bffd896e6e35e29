package tenants_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

func TestTheHostSelectsTheTenant(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	for _, host := range []string{"acme.hq.test", "ACME.hq.test:443", "acme.hq.test."} {
		found, ok := r.ByHost(host)
		assert.True(t, ok, host)
		assert.Equal(t, "acme", found.Name)
	}
	_, ok := r.ByHost("gamma.hq.test")
	assert.False(t, ok)
}

func TestReloadFindsNewAndSuspendedTenantsAndKeepsTheListWhenTheFileIsDamaged(t *testing.T) {
	s := pgtest.Start(t, "acme")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	s.Add(t, "beta", "starter")
	s.Suspend(t, "acme")
	require.NoError(t, r.Reload())
	beta, ok := r.ByHost("beta.hq.test")
	assert.True(t, ok && beta.Active())
	acme, ok := r.ByHost("acme.hq.test")
	assert.True(t, ok && !acme.Active())

	require.NoError(t, os.WriteFile(filepath.Join(s.Folder, "tenants.json"), []byte("[{"), 0o600))
	assert.ErrorContains(t, r.Reload(), "tenants.json")
	_, ok = r.ByHost("beta.hq.test")
	assert.True(t, ok)
}

func TestAnEntryWithAPathAsNameIsRefused(t *testing.T) {
	dir := t.TempDir()
	list := `[{"name":"../x","host":"x.hq.test","plan":"starter","state":"active","role":"r","schema":"s"}]`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tenants.json"), []byte(list), 0o600))
	r, err := tenants.Open(dir)
	require.Error(t, err)
	_, ok := r.ByHost("x.hq.test")
	assert.False(t, ok)
}

func user(ctx context.Context, t *testing.T, p *tenants.Pools, tenant tenants.Tenant) string {
	t.Helper()
	var name string
	require.NoError(t, p.Tx(ctx, tenant, func(tx pgx.Tx) error { return tx.QueryRow(ctx, "SELECT current_user").Scan(&name) }))
	return name
}

func TestEachTenantUsesItsOwnRoleAndTheOldestPoolIsClosed(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta", "gamma")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	p := tenants.NewPools(tenants.Limits{Transactions: 2, Pools: 2})
	defer p.Close()
	ctx := context.Background()
	for _, tenant := range r.All() {
		assert.Equal(t, tenant.Role, user(ctx, t, p, tenant))
	}
	assert.ElementsMatch(t, []string{"beta", "gamma"}, slices.Collect(maps.Keys(p.Stats())))
	tenants.Age(p, 2*time.Minute)
	p.Sweep()
	assert.Empty(t, p.Stats(), "idle pools are closed")
}

func TestATenantWithoutConnectionStringIsRefused(t *testing.T) {
	s := pgtest.Start(t, "acme")
	require.NoError(t, os.Remove(filepath.Join(s.Folder, "acme.url")))
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	p := tenants.NewPools(tenants.Limits{Transactions: 1, Pools: 1})
	defer p.Close()
	assert.ErrorIs(t, p.Tx(context.Background(), r.All()[0], func(pgx.Tx) error { return nil }), tenants.ErrNoLogin)
}

func TestNoMoreTransactionsRunAtOnceThanTheLimit(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta", "gamma")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	p := tenants.NewPools(tenants.Limits{Transactions: 2, Pools: 10})
	defer p.Close()
	var now, most atomic.Int32
	var all sync.WaitGroup
	for i := range 12 {
		tenant := r.All()[i%3]
		all.Go(func() {
			assert.NoError(t, p.Tx(context.Background(), tenant, func(pgx.Tx) error {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				time.Sleep(20 * time.Millisecond)
				now.Add(-1)
				return nil
			}))
		})
	}
	all.Wait()
	assert.LessOrEqual(t, most.Load(), int32(2))
}

func TestATenantWithSlowTransactionsLeavesATurnToOthers(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	p := tenants.NewPools(tenants.Limits{Transactions: 2, Pools: 10}) // as in the stack demo
	defer p.Close()
	slow, begun := make(chan struct{}), make(chan struct{}, 2)
	var all sync.WaitGroup
	defer all.Wait()
	defer close(slow)
	for range 2 {
		all.Go(func() {
			_ = p.Tx(context.Background(), r.All()[0], func(pgx.Tx) error { begun <- struct{}{}; <-slow; return nil }) // the second one may get no turn
		})
	}
	<-begun
	time.Sleep(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	assert.Equal(t, "tenant_beta", user(ctx, t, p, r.All()[1]))
}

func TestWhenAllPoolsAreInUseAnotherTenantIsBusy(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	p := tenants.NewPools(tenants.Limits{Transactions: 5, Pools: 1})
	defer p.Close()
	require.NoError(t, p.Tx(context.Background(), r.All()[0], func(pgx.Tx) error {
		assert.ErrorIs(t, p.Tx(context.Background(), r.All()[1], func(pgx.Tx) error { return nil }), tenants.ErrBusy)
		return nil
	}))
}

func TestATransactionStartsAgainWhenItsIdleConnectionWasEnded(t *testing.T) {
	s := pgtest.Start(t, "acme")
	r, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	p := tenants.NewPools(tenants.Limits{Transactions: 1, Pools: 1})
	defer p.Close()
	ctx := context.Background()
	user(ctx, t, p, r.All()[0])
	_, err = s.Admin(t).Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant_acme'")
	require.NoError(t, err)
	assert.Equal(t, "tenant_acme", user(ctx, t, p, r.All()[0]))
}
