package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const (
	// customers share a PostgreSQL with 25 connections.
	customers = 300
	// gate is how many transactions the app runs at once: fewer than the two poolers'
	// server connections, as docs/app-contract.md asks.
	gate = 10
	// attempts is how often a transaction is tried when its connection breaks.
	attempts = 5
)

// load is an app that serves many tenants through two poolers, as through a Service.
type load struct {
	addresses map[string][2]string // by tenant
	wrong     atomic.Int64
	done      atomic.Int64

	mutex    sync.Mutex
	failures []error
}

func newLoad(t *testing.T, poolers [2]*pooler, declared []settings.Tenant) *load {
	t.Helper()
	l := &load{addresses: map[string][2]string{}}
	for _, tenant := range declared {
		l.addresses[tenant.Name] = [2]string{poolers[0].url(t, tenant), poolers[1].url(t, tenant)}
	}
	return l
}

// run visits tenants from as many workers as the gate lets through, each as often as
// asked.
func (l *load) run(each int, pick func(*rand.Rand) string) {
	var group sync.WaitGroup
	for worker := range gate {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			sessions := map[string]*pgx.Conn{}
			for range each {
				l.visit(sessions, r, pick(r))
			}
			for _, conn := range sessions {
				_ = conn.Close(context.Background()) // a pooler may have ended it
			}
		})
	}
	group.Wait()
}

// visit runs one transaction of a tenant. A broken connection is replaced, by way of
// the other pooler; any other error counts.
func (l *load) visit(sessions map[string]*pgx.Conn, r *rand.Rand, tenant string) {
	var err error
	first := r.IntN(2)
	for try := range attempts {
		time.Sleep(time.Duration(try) * 100 * time.Millisecond)
		if sessions[tenant] == nil {
			if sessions[tenant], err = pgx.Connect(context.Background(), l.addresses[tenant][(first+try)%2]); err != nil {
				delete(sessions, tenant)
				if broken(err) {
					continue
				}
				break
			}
		}
		var name string
		if name, err = transaction(sessions[tenant]); err == nil {
			l.done.Add(1)
			if name != tenant {
				l.wrong.Add(1)
			}
			return
		}
		_ = sessions[tenant].Close(context.Background()) // it is broken
		delete(sessions, tenant)
		if !broken(err) {
			break
		}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.failures = append(l.failures, fmt.Errorf("%s: %w", tenant, err))
}

// transaction reads and writes with prepared statements of the protocol.
func transaction(conn *pgx.Conn) (name string, err error) {
	err = pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
		if err := tx.QueryRow(context.Background(), "SELECT name FROM whose WHERE n >= $1", 0).Scan(&name); err != nil {
			return err
		}
		_, err := tx.Exec(context.Background(), "UPDATE whose SET n = n + $1", 1)
		return err
	})
	return name, err
}

// broken reports whether the connection is at fault: it ended, or a pooler that is
// going away said so (PgBouncer's own errors have the class 08).
func broken(err error) bool {
	var said *pgconn.PgError
	return !errors.As(err, &said) || said.Code[:2] == "08" || said.Code[:2] == "57"
}

func (l *load) clean(t *testing.T, when string) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	assert.Zero(t, l.wrong.Load(), when)
	assert.Empty(t, l.failures, when)
}

// anyOf picks one of the first n tenants, each as likely.
func anyOf(n int) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return customer(r.IntN(n)) }
}

func customer(n int) string { return fmt.Sprintf("customer-%d", n) }

// furnish gives each tenant a table that says whose it is.
func furnish(t *testing.T, b *bed) {
	t.Helper()
	run(t, b.Superuser(t, postgrestest.Database), `DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT name, role AS schema, pg_get_userbyid(nspowner) AS owner FROM platform.tenants JOIN pg_namespace ON nspname = role LOOP
			EXECUTE format('SET LOCAL ROLE %I', r.owner);
			EXECUTE format('CREATE TABLE IF NOT EXISTS %I.whose AS SELECT %L::text AS name, 0 AS n', r.schema, r.name);
		END LOOP; END $$`)
}

func TestPoolerServesThreeHundredTenantsOnTwentyFiveConnectionsWithoutAnError(t *testing.T) {
	b := newBed(t, 0)
	declared := make([]settings.Tenant, customers)
	for i := range declared {
		declared[i] = settings.Tenant{Name: customer(i)}.WithDefaults()
	}
	b.must(t, declared)
	furnish(t, b)
	poolers := [2]*pooler{newPooler(t, b, declared), newPooler(t, b, declared)}
	l := newLoad(t, poolers, declared)

	l.run(40, anyOf(customers))
	l.clean(t, "uniform load")
	l.run(80, anyOf(20))
	l.clean(t, "twenty busy tenants")

	stop := noise(t, l.addresses[customer(0)])
	l.run(40, func(r *rand.Rand) string { return customer(1 + r.IntN(customers-1)) })
	stop()
	l.clean(t, "a tenant that holds transactions open")

	backends := ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^tenant_'")
	assert.LessOrEqual(t, backends, 2*poolSize)
	assert.EqualValues(t, gate*(40+80+40), l.done.Load())
}

// noise opens transactions of one tenant that do nothing, and statements that sleep,
// from twenty clients until it is stopped. Their errors are its own.
func noise(t *testing.T, addresses [2]string) (stop func()) {
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

func TestPoolerGoesOnWhileTenantsComeAndGoAndPoolersRestart(t *testing.T) {
	const steady = 20
	b := newBed(t, 0)
	of := func(more ...settings.Tenant) []settings.Tenant {
		out := make([]settings.Tenant, steady)
		for i := range out {
			out[i] = settings.Tenant{Name: customer(i)}
		}
		return tenants(append(out, more...)...)
	}
	declared := of(settings.Tenant{Name: "leaver"}, settings.Tenant{Name: "rekeyed"})
	b.must(t, declared)
	furnish(t, b)
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
	require.Error(t, err, "a suspended tenant is cut off when the reconcile ends")
	for _, p := range poolers {
		p.declare(t, changed)
	}
	for _, tenant := range changed[steady+1:] {
		require.Eventually(t, func() bool { return refused(poolers[1].url(t, tenant)) == nil }, 20*time.Second, 50*time.Millisecond, tenant.Name)
	}
	l.clean(t, "tenants that come, go and get another password")

	poolers[0].Stop(t)
	poolers[0].Start(t, "pooler.sh")
	l.clean(t, "a pooler that restarts")
	before := l.done.Load()
	poolers[1].Kill(t)
	require.Eventually(t, func() bool { return l.done.Load() > before+100 }, 20*time.Second, 50*time.Millisecond, "the other one serves")
	poolers[1].Start(t, "pooler.sh")
	b.must(t, of())
	for _, p := range poolers {
		p.declare(t, of())
	}
	working.Store(false)
	<-ended
	l.clean(t, "a pooler that is lost, and tenants that are removed")
}

func TestPoolerLeavesNothingOfASessionToItsNextClient(t *testing.T) {
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
			"a server connection is handed on within a tenant only")
	}
}
