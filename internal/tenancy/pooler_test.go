package tenancy_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/postgrestest"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

// PgBouncer hands a server's session from client to client after each
// transaction. Whatever a client does to the session must not show another
// tenant's rows: the role decides, and a pool has one role.
func TestThroughAPoolerInTransactionModeNobodySeesAnothersRows(t *testing.T) {
	const clients, queries, backends = 50, 200, 8
	b := newBed(t, 0)
	declared := tenants(settings.Tenant{Name: "acme", Plan: "growth"}, settings.Tenant{Name: "beta", Plan: "growth"})
	b.must(t, declared)
	for _, tenant := range declared {
		b.migrate(t, tenant.Name,
			"CREATE TABLE whose (name text)", fmt.Sprintf("INSERT INTO whose VALUES ('%s')", tenant.Name))
	}
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	port := b.Pooler(t, verifiers, backends)
	var group sync.WaitGroup
	answers := make([]int, clients)
	for client := range clients {
		group.Add(1)
		go func() {
			defer group.Done()
			tenant, other := declared[client%2], declared[(client+1)%2]
			conn, err := pgx.Connect(context.Background(), pooled(t, b.url(t, tenant), port))
			if !assert.NoError(t, err) {
				return
			}
			defer conn.Close(context.Background())
			for query := range queries {
				// What a careless app would do, left behind for whoever comes next.
				statement := "SELECT name FROM whose"
				if query%10 == 0 {
					_, err := conn.Exec(context.Background(), "SET search_path = tenant_"+other.Name+", tenant_"+tenant.Name)
					assert.NoError(t, err)
				}
				var name string
				if assert.NoError(t, conn.QueryRow(context.Background(), statement).Scan(&name)) && assert.Equal(t, tenant.Name, name) {
					answers[client]++
				}
			}
		}()
	}
	group.Wait()
	total := 0
	for _, n := range answers {
		total += n
	}
	assert.Equal(t, clients*queries, total)
	assert.LessOrEqual(t, ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^tenant_'"), backends)
}

// pooled is a tenant's URL by way of the pooler. Prepared statements and
// transaction pools do not go together before PgBouncer 1.21.
func pooled(t *testing.T, connection string, port int) string {
	t.Helper()
	u, err := url.Parse(connection)
	require.NoError(t, err)
	u.Host = fmt.Sprintf("127.0.0.1:%d", port)
	u.RawQuery = url.Values{"sslmode": {"disable"}, "default_query_exec_mode": {"simple_protocol"}}.Encode()
	return u.String()
}
