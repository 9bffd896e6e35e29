package tenants

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrBusy means that a request waited too long for a connection or for its turn. The client
// should try again.
var ErrBusy = errors.New("the service is busy")

// ErrNoLogin means that the platform has not given a connection string for the tenant yet.
var ErrNoLogin = errors.New("the tenant has no connection string yet")

const (
	// waitLimit is how long a request waits for a connection and for its turn.
	waitLimit = 5 * time.Second
	// idleLimit is how long a tenant without requests keeps its pool.
	idleLimit = time.Minute
)

// Limits are the limits of Pools.
type Limits struct {
	// Transactions at once over all tenants.
	Transactions int
	// Pools is the number of tenants with an open pool.
	Pools int
	// Single is the number of connections of the only tenant in single-tenant mode.
	Single int
}

// Pools has a connection pool for each tenant that had requests lately. The pool that was used
// the longest ago is closed when there are too many.
type Pools struct {
	limits Limits
	gate   chan struct{}
	now    func() time.Time

	mu   sync.Mutex
	open map[string]*entry
}

type entry struct {
	pool  *pgxpool.Pool
	url   string
	users int
	used  time.Time
}

// NewPools returns Pools without a connection. Call Close at the end.
func NewPools(limits Limits) *Pools {
	return &Pools{limits: limits, gate: make(chan struct{}, limits.Transactions), now: time.Now, open: map[string]*entry{}}
}

// Tx runs work in one transaction of the tenant's role. It commits if work returns nil. The
// transaction is also safe through a pooler in transaction mode, because it leaves no state in
// the session.
func (p *Pools) Tx(ctx context.Context, t Tenant, work func(pgx.Tx) error) error {
	e, err := p.take(t)
	if err != nil {
		return err
	}
	defer p.giveBack(e)
	waiting, cancel := context.WithTimeout(ctx, waitLimit)
	defer cancel()
	// First the tenant's own connection, then the turn: a tenant with many requests takes one
	// turn at a time, not all of them.
	conn, err := e.pool.Acquire(waiting)
	if err != nil {
		return waited(ctx, waiting, err)
	}
	defer func() { conn.Release() }()
	select {
	case p.gate <- struct{}{}:
		defer func() { <-p.gate }()
	case <-waiting.Done():
		return waited(ctx, waiting, waiting.Err())
	}
	tx, err := conn.Begin(ctx)
	if err != nil && conn.Conn().IsClosed() {
		// An idle connection ends when the pooler is replaced. Nothing was sent on it yet.
		conn.Release()
		again, acquireErr := e.pool.Acquire(waiting)
		if acquireErr != nil {
			return waited(ctx, waiting, acquireErr)
		}
		conn = again
		tx, err = conn.Begin(ctx)
	}
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// waited returns ErrBusy if the wait ended by waitLimit and not by the caller.
func waited(caller, waiting context.Context, err error) error {
	if waiting.Err() != nil && caller.Err() == nil {
		return ErrBusy
	}
	return fmt.Errorf("connect to the database: %w", err)
}

// take returns the tenant's pool, and opens it if there is none. A pool with another connection
// string is replaced.
func (p *Pools) take(t Tenant) (*entry, error) {
	if t.url == "" {
		return nil, ErrNoLogin
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.open[t.Name]
	if e == nil || e.url != t.url {
		if e == nil && len(p.open) >= p.limits.Pools && !p.evict() {
			return nil, ErrBusy
		}
		if e != nil {
			go e.pool.Close() // waits for its users
		}
		pool, err := p.connect(t)
		if err != nil {
			return nil, err
		}
		e = &entry{pool: pool, url: t.url}
		p.open[t.Name] = e
	}
	e.users++
	e.used = p.now()
	return e, nil
}

func (p *Pools) giveBack(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.users--
	e.used = p.now()
}

// evict closes the pool that was used the longest ago. It reports whether there was one without
// users.
func (p *Pools) evict() bool {
	var oldest string
	for name, e := range p.open {
		if e.users == 0 && (oldest == "" || e.used.Before(p.open[oldest].used)) {
			oldest = name
		}
	}
	if oldest == "" {
		return false
	}
	go p.open[oldest].pool.Close()
	delete(p.open, oldest)
	return true
}

// Sweep closes pools that had no request for a minute. Call it every few seconds.
func (p *Pools) Sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, e := range p.open {
		if e.users == 0 && p.now().Sub(e.used) > idleLimit {
			go e.pool.Close()
			delete(p.open, name)
		}
	}
}

// connect prepares a pool. It opens no connection.
func (p *Pools) connect(t Tenant) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(t.url)
	if err != nil {
		return nil, fmt.Errorf("the connection string of tenant %s cannot be used", t.Name) // err may have the password
	}
	// The pooler gives a tenant one or two server connections. More would only wait there.
	c.MaxConns = 2
	// One tenant must not take all turns: the statements of one that owns its schema may be slow on purpose.
	if t.Plan == "starter" || p.limits.Transactions <= 2 {
		c.MaxConns = 1
	}
	if t.Schema == "" {
		c.MaxConns = int32(min(p.limits.Single, 100)) //nolint:gosec // at most 100
	}
	c.MinConns, c.MaxConnIdleTime = 0, 15*time.Second
	// Named prepared statements would be state in a session of the pooler.
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	c.ConnConfig.ConnectTimeout = waitLimit
	return pgxpool.NewWithConfig(context.Background(), c)
}

// Stats returns the figures of all open pools, by the tenant's name.
func (p *Pools) Stats() map[string]*pgxpool.Stat {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]*pgxpool.Stat{}
	for name, e := range p.open {
		out[name] = e.pool.Stat()
	}
	return out
}

// Close closes all pools. It waits for transactions that are open.
func (p *Pools) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, e := range p.open {
		e.pool.Close()
		delete(p.open, name)
	}
}
