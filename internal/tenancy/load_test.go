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

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const (
	// customers is the number of tenants that share a PostgreSQL with 25 connections.
	customers = 300
	// gate is the number of transactions that the app runs at the same time. As
	// docs/app-contract.md requires, it is below the two poolers' server connections.
	gate = 10
)

// load simulates an app that serves many tenants. Its workers share open connections: a
// worker takes an idle connection of the tenant, or opens a new one.
type load struct {
	// addresses are connection strings by tenant.
	addresses map[string][]string
	// tries is how often a transaction is tried if its connection breaks.
	tries int
	// once closes a connection after its transaction.
	once bool
	// pause is how long a worker waits between two transactions on average.
	pause time.Duration

	wrong atomic.Int64

	mutex    sync.Mutex
	idle     map[string][]*pgx.Conn
	took     []time.Duration
	failures []error
}

// newLoad returns a load that connects through two poolers, as through a Service.
func newLoad(t testing.TB, poolers [2]*pooler, declared []settings.Tenant) *load {
	t.Helper()
	l := &load{addresses: map[string][]string{}, tries: 5, idle: map[string][]*pgx.Conn{}}
	for _, tenant := range declared {
		l.addresses[tenant.Name] = []string{poolers[0].url(t, tenant), poolers[1].url(t, tenant)}
	}
	return l
}

// run starts gate workers. Each makes so many visits (each) to tenants that pick returns.
// Then run closes the connections.
func (l *load) run(each int, pick func(*rand.Rand) string) {
	l.work(func(visits int) bool { return visits < each }, pick)
	l.close()
}

// work starts gate workers. Each visits tenants while on returns true for the number of its
// visits so far.
func (l *load) work(on func(visits int) bool, pick func(*rand.Rand) string) {
	var group sync.WaitGroup
	for worker := range gate {
		group.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 1))
			for visits := 0; on(visits); visits++ {
				l.visit(r, pick(r))
				if l.pause > 0 {
					time.Sleep(time.Duration(r.Int64N(2 * int64(l.pause))))
				}
			}
		})
	}
	group.Wait()
}

// visit runs one transaction of a tenant. If the connection breaks, it tries again with a
// new one to the next address. Any other error is recorded as a failure.
func (l *load) visit(r *rand.Rand, tenant string) {
	begun := time.Now()
	addresses := l.addresses[tenant]
	first := r.IntN(len(addresses))
	var err error
	for try := range l.tries {
		time.Sleep(time.Duration(try) * 100 * time.Millisecond)
		// Other idle connections may be broken too, so a second try opens a new one.
		if err = l.attempt(tenant, addresses[(first+try)%len(addresses)], try > 0); !broken(err) {
			break
		}
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if err != nil {
		l.failures = append(l.failures, fmt.Errorf("%s: %w", tenant, err))
		return
	}
	l.took = append(l.took, time.Since(begun))
}

func (l *load) attempt(tenant, address string, fresh bool) (err error) {
	var conn *pgx.Conn
	if !fresh {
		conn = l.take(tenant)
	}
	if conn == nil {
		if conn, err = pgx.Connect(context.Background(), address); err != nil {
			return err
		}
	}
	name, err := transaction(conn)
	if err == nil && name != tenant {
		l.wrong.Add(1)
	}
	if err != nil || l.once {
		_ = conn.Close(context.Background()) // it may be broken
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.idle[tenant] = append(l.idle[tenant], conn)
	return nil
}

// take returns an open connection of the tenant that no worker uses; nil for none.
func (l *load) take(tenant string) *pgx.Conn {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	idle := l.idle[tenant]
	if len(idle) == 0 {
		return nil
	}
	l.idle[tenant] = idle[:len(idle)-1]
	return idle[len(idle)-1]
}

// close closes the open connections. No worker may run.
func (l *load) close() {
	for _, idle := range l.idle {
		for _, conn := range idle {
			_ = conn.Close(context.Background()) // a pooler may have closed it
		}
	}
	clear(l.idle)
}

// done returns the number of transactions that succeeded.
func (l *load) done() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.took)
}

// assertNoErrors checks that no transaction failed or reached another tenant's schema.
func (l *load) assertNoErrors(t *testing.T, when string) {
	t.Helper()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	assert.Zero(t, l.wrong.Load(), when)
	assert.Empty(t, l.failures, when)
}

// transaction reads and writes the table whose with prepared statements of the protocol. It
// returns the name of the tenant whose table it reached.
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

// broken reports whether the connection failed, not the statement. Errors of the network do
// not come from the server. PgBouncer's own errors have the class 08, and the server's for
// an ended session 57.
func broken(err error) bool {
	var said *pgconn.PgError
	return err != nil && (!errors.As(err, &said) || said.Code[:2] == "08" || said.Code[:2] == "57")
}

// anyOf returns a function that picks one of the first n tenants at random.
func anyOf(n int) func(*rand.Rand) string {
	return func(r *rand.Rand) string { return customer(r.IntN(n)) }
}

func customer(n int) string { return fmt.Sprintf("customer-%d", n) }

// customersOf declares the first n customers.
func customersOf(n int) []settings.Tenant {
	out := make([]settings.Tenant, n)
	for i := range out {
		out[i].Name = customer(i)
	}
	return tenants(out...)
}

// createWhoseTables creates the table whose in each tenant's schema. It contains the
// tenant's name.
func createWhoseTables(t testing.TB, b *bed) {
	t.Helper()
	run(t, b.Superuser(t, postgrestest.Database), `DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT name, role AS schema, pg_get_userbyid(nspowner) AS owner FROM platform.tenants JOIN pg_namespace ON nspname = role LOOP
			EXECUTE format('SET LOCAL ROLE %I', r.owner);
			EXECUTE format('CREATE TABLE IF NOT EXISTS %I.whose AS SELECT %L::text AS name, 0 AS n', r.schema, r.name);
		END LOOP; END $$`)
}
