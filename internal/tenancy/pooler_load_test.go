package tenancy_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestPoolerServesThreeHundredTenantsOnTwentyFiveConnectionsWithoutAnError(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := customersOf(customers)
	b.must(t, declared)
	createWhoseTables(t, b)
	poolers := [2]*pooler{newPooler(t, b, declared), newPooler(t, b, declared)}
	l := newLoad(t, poolers, declared)

	l.run(40, anyOf(customers))
	l.assertNoErrors(t, "uniform load")
	l.run(80, anyOf(20))
	l.assertNoErrors(t, "twenty busy tenants")

	stop := busyTenant(t, l.addresses[customer(0)])
	l.run(40, func(r *rand.Rand) string { return customer(1 + r.IntN(customers-1)) })
	stop()
	l.assertNoErrors(t, "a tenant keeps transactions open")

	backends := ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^tenant_'")
	assert.LessOrEqual(t, backends, 2*poolSize)
	assert.Equal(t, gate*(40+80+40), l.done())
}

// busyTenant opens idle transactions and statements that sleep, from twenty clients of one
// tenant, until stop is called. It ignores the errors of these clients.
func busyTenant(t *testing.T, addresses []string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for client := range 20 {
		group.Go(func() {
			for ctx.Err() == nil {
				conn, err := pgx.Connect(ctx, addresses[client%2])
				if err != nil {
					time.Sleep(50 * time.Millisecond)
					continue
				}
				_, _ = conn.Exec(ctx, "BEGIN")
				_, _ = conn.Exec(ctx, "SELECT pg_sleep(2)")
				_, _ = conn.Exec(ctx, "SELECT pg_advisory_lock(1)")
				<-time.After(time.Second)
				_ = conn.Close(context.Background())
			}
		})
	}
	return func() { cancel(); group.Wait() }
}

func TestPoolerServesWhileTenantsChangeAndPoolersRestart(t *testing.T) {
	t.Parallel()
	const steady = 20
	b := newBed(t, 0)
	of := func(more ...settings.Tenant) []settings.Tenant {
		return append(customersOf(steady), tenants(more...)...)
	}
	declared := of(settings.Tenant{Name: "leaver"}, settings.Tenant{Name: "rekeyed"})
	b.must(t, declared)
	createWhoseTables(t, b)
	poolers := [2]*pooler{newPooler(t, b, declared), newPooler(t, b, declared)}
	l := newLoad(t, poolers, declared)
	ended := make(chan struct{})
	var working atomic.Bool
	working.Store(true)
	go func() {
		defer close(ended)
		for working.Load() {
			l.run(10, anyOf(steady))
		}
	}()

	leaver := postgrestest.Connect(t, poolers[0].url(t, declared[steady]))
	changed := of(settings.Tenant{Name: "leaver", State: settings.Suspended}, settings.Tenant{Name: "rekeyed", PasswordVersion: 2},
		settings.Tenant{Name: "comer", Plan: "growth"})
	b.must(t, changed)
	_, err := leaver.Exec(context.Background(), "SELECT 1")
	require.Error(t, err, "the reconcile ends the sessions of a suspended tenant")
	for _, p := range poolers {
		p.declare(t, changed)
	}
	for _, tenant := range changed[steady+1:] {
		require.Eventually(t, func() bool { return refused(poolers[1].url(t, tenant)) == nil }, 20*time.Second, 50*time.Millisecond, tenant.Name)
	}
	l.assertNoErrors(t, "tenants are added, suspended and get another password")

	poolers[0].Stop(t)
	poolers[0].Start(t, "pooler.sh")
	l.assertNoErrors(t, "a pooler restarts")
	before := l.done()
	poolers[1].Kill(t)
	require.Eventually(t, func() bool { return l.done() > before+100 }, 20*time.Second, 50*time.Millisecond, "the other pooler serves")
	poolers[1].Start(t, "pooler.sh")
	b.must(t, of())
	for _, p := range poolers {
		p.declare(t, of())
	}
	working.Store(false)
	<-ended
	l.assertNoErrors(t, "a pooler is killed, and tenants are removed")
}

func TestPoolerGivesTheNextClientACleanSession(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	p := newPooler(t, b, declared)
	simple := func(tenant settings.Tenant) *pgx.Conn {
		config, err := pgx.ParseConfig(p.url(t, tenant))
		require.NoError(t, err)
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		conn, err := pgx.ConnectConfig(context.Background(), config)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	first := simple(declared[0])
	server := ask[int](t, first, "SELECT pg_backend_pid()")
	run(t, first, "SET statement_timeout = '1h'", "SET search_path = pg_catalog", "PREPARE mine AS SELECT 1",
		"SELECT pg_advisory_lock(7)", "LISTEN news")
	for _, tenant := range declared {
		next := simple(tenant)
		assert.Equal(t, "15s", ask[string](t, next, "SHOW statement_timeout"))
		assert.Equal(t, "tenant_"+tenant.Name, ask[string](t, next, "SELECT current_schema()"))
		assert.Equal(t, "tenant_"+tenant.Name, ask[string](t, next, "SELECT session_user || ''"))
		assert.Zero(t, ask[int](t, next, "SELECT count(*) FROM pg_prepared_statements WHERE name = 'mine'"))
		assert.Zero(t, ask[int](t, next, "SELECT count(*) FROM pg_listening_channels()"))
		assert.Zero(t, ask[int](t, next, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"))
		assert.Equal(t, tenant.Name == "acme", ask[int](t, next, "SELECT pg_backend_pid()") == server,
			"only clients of the same tenant get the same server connection")
	}
}
