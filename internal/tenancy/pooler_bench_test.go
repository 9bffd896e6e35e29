package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// benchMajor is a major version of PostgreSQL that production may run.
const benchMajor = 17

const (
	// phase is the duration of each measurement.
	phase = 12 * time.Second
	// paced is a worker's mean pause: 10 workers start at most 40 transactions a second.
	paced = 250 * time.Millisecond
	// quiet is longer than the pooler's server_idle_timeout.
	quiet = 20 * time.Second
)

// BenchmarkPooler visits 300 tenants, and then 20 of them, in three ways: through two
// poolers, by direct connections that stay open, and by a login for each transaction.
// sandbox/bench turns the results into a table.
func BenchmarkPooler(b *testing.B) {
	bed := newBed(b, benchMajor)
	declared := customersOf(customers)
	bed.must(b, declared)
	createWhoseTables(b, bed)
	poolers := [2]*pooler{newPooler(b, bed, declared), newPooler(b, bed, declared)}
	for _, n := range []int{customers, 20} {
		for _, way := range []string{"pooler", "direct", "login"} {
			b.Run(fmt.Sprintf("major=%d/tenants=%d/way=%s", benchMajor, n, way), func(b *testing.B) {
				l := newLoad(b, poolers, declared)
				if way != "pooler" {
					l = directLoad(b, bed, declared)
				}
				l.tries, l.once = 1, way == "login"
				measureLoad(b, bed, l, n)
			})
		}
	}
}

// directLoad returns a load that connects to the database without a pooler.
func directLoad(b *testing.B, bed *bed, declared []settings.Tenant) *load {
	b.Helper()
	l := &load{addresses: map[string][]string{}, idle: map[string][]*pgx.Conn{}}
	for _, tenant := range declared {
		l.addresses[tenant.Name] = []string{bed.url(b, tenant)}
	}
	return l
}

// measureLoad visits n tenants as fast as the workers can. Then it visits them with pauses,
// so that the latencies are not those of a machine that is fully used.
func measureLoad(b *testing.B, bed *bed, l *load, n int) {
	b.Helper()
	for i := range n {
		l.visit(rand.New(rand.NewPCG(0, 0)), customer(i)) // opens a client connection for each before the measurement
	}
	l.took, l.failures = nil, nil
	super := bed.Superuser(b, postgrestest.Database)
	most := watchConnections(b, super)
	l.work(until(phase), anyOf(n))
	fast := l.took
	l.took, l.pause = nil, paced
	l.work(until(phase), anyOf(n))
	slices.Sort(l.took)
	refused := 0
	for _, err := range l.failures {
		if tooManyConnections(err) {
			refused++
			continue
		}
		b.Log(err)
	}
	for unit, value := range map[string]float64{
		"tx/s": float64(len(fast)) / phase.Seconds(), "p50-ms": percentile(l.took, 50), "p95-ms": percentile(l.took, 95),
		"tried": float64(len(fast) + len(l.took) + len(l.failures)), "refused": float64(refused), "failed": float64(len(l.failures) - refused),
		"connections": float64(most()),
	} {
		b.ReportMetric(value, unit)
	}
	time.Sleep(quiet)
	b.ReportMetric(float64(connected(b, super)), "idle-connections")
	l.close()
	assert.Zero(b, l.wrong.Load())
}

// until returns a condition for load.work that is true for the duration d.
func until(d time.Duration) func(int) bool {
	end := time.Now().Add(d)
	return func(int) bool { return time.Now().Before(end) }
}

// percentile returns the p-th percentile of sorted durations, in milliseconds.
func percentile(sorted []time.Duration, p int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return 1000 * sorted[(len(sorted)-1)*p/100].Seconds()
}

// tooManyConnections reports whether the server or a role has reached its connection limit.
func tooManyConnections(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "53300"
}

// watchConnections counts the tenants' server connections until most is called. most returns
// the largest number.
func watchConnections(b *testing.B, super *pgx.Conn) (most func() int) {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	found := make(chan int)
	go func() {
		most := 0
		for ctx.Err() == nil {
			most = max(most, connected(b, super))
			time.Sleep(50 * time.Millisecond)
		}
		found <- most
	}()
	return func() int { stop(); return <-found }
}

// connected returns the number of the tenants' server connections.
func connected(b *testing.B, super *pgx.Conn) (n int) {
	b.Helper()
	err := super.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^tenant_'").Scan(&n)
	assert.NoError(b, err)
	return n
}
