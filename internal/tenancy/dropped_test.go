package tenancy_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// If a client disconnects during a statement, or a pooler ends a transaction, the server
// still runs the statement. Without a check it would use one of the tenant's few connections.
func TestStatementEndsWhenItsClientDisconnects(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		declared := named("acme")
		b.must(t, declared)
		p := newPooler(t, b, declared)
		super := b.Superuser(t, postgrestest.Database)
		busy := func() int {
			return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme' AND query ~ 'pg_sleep'")
		}
		for way, url := range map[string]string{"the pooler": p.url(t, declared[0]), "the server": b.url(t, declared[0])} {
			conn, err := pgx.Connect(t.Context(), url)
			require.NoError(t, err)
			done := make(chan error, 1)
			go func() {
				_, err := conn.Exec(context.Background(), "SELECT pg_sleep(14)")
				done <- err
			}()
			require.Eventually(t, func() bool { return busy() == 1 }, 5*time.Second, 20*time.Millisecond)
			require.NoError(t, conn.PgConn().Conn().Close(), "close the socket as a killed client does")
			require.Error(t, <-done)
			require.Eventually(t, func() bool { return busy() == 0 }, 12*time.Second, 20*time.Millisecond, way)
		}
	})
}
