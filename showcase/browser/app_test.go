package browser_test

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/browser"
	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/server"
)

// serve runs AgentHQ with PostgreSQL and the demo's tenant acme, over HTTPS.
func serve(t *testing.T, clock func() time.Time) (browser.Site, *pgtest.Server) {
	t.Helper()
	postgres := pgtest.Start(t, "acme", "beta")
	site := launch(t, "acme."+pgtest.Domain, clock, io.Discard, map[string]string{"DATABASE_URL": postgres.AppURL(), "TENANTS_DIR": postgres.Folder, "DEMO_TENANT": "acme"})
	// The sample data is the last thing that the app stores at the start.
	db := postgres.Admin(t)
	require.Eventually(t, func() bool {
		var days int
		return db.QueryRow(t.Context(), "SELECT count(*) FROM tenant_acme.demo_reset").Scan(&days) == nil && days == 1
	}, time.Minute, 50*time.Millisecond)
	postgres.Count(t, root)
	_, err := db.Exec(t.Context(), `INSERT INTO platform.usage (tenant, day, requests, errors, bytes, p95, storage, connections, logins)
		SELECT 'acme', date_trunc('month', $1::timestamp) + n * interval '1 day', 1800 + n * 37 % 900, n % 4, 30000000 + n * 1000000, 0.02 + n * 0.001, 450000 + n * 7000, 2, 3 + n % 5
		FROM generate_series(0, 25) n`, clock().UTC())
	require.NoError(t, err)
	return site, postgres
}

// launch runs AgentHQ over HTTPS until the test ends. The host is that of the returned site, and env has
// AgentHQ's variables but PUBLIC_URL.
func launch(t *testing.T, host string, clock func() time.Time, log io.Writer, env map[string]string) browser.Site {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	env["PUBLIC_URL"] = "https://" + pgtest.Domain + ":" + port
	c, err := config.Load(env)
	require.NoError(t, err)
	c.Clock = clock
	app, err := server.New(c, "1.2.3", slog.New(slog.NewTextHandler(log, nil)))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	own, roots := certificate(t, pgtest.Domain)
	go func() {
		done <- app.Run(ctx, tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{own}, NextProtos: []string{"h2", "http/1.1"}}))
	}()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-done)
		assert.NoError(t, app.Close())
	})
	return browser.Site{URL: "https://" + host + ":" + port, Address: address, Roots: roots}
}
