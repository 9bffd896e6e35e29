package tenancy_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func poolerOf(t *testing.T, names ...string) (*pooler, []settings.Tenant) {
	t.Helper()
	b := newBed(t, 0)
	declared := named(names...)
	b.must(t, declared)
	return newPooler(t, b, declared), declared
}

func TestPoolerRefusesAServerWhoseCertificateIsForAnotherHost(t *testing.T) {
	t.Parallel()
	p, declared := poolerOf(t, "acme")
	require.NoError(t, refused(p.url(t, declared[0])))
	files := map[string]string{}
	paths, err := filepath.Glob(filepath.Join(p.Folder, "[a-z]*"))
	require.NoError(t, err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		files[filepath.Base(path)] = strings.ReplaceAll(string(text), "host='localhost'", "host='127.0.0.1'")
	}
	p.Stop(t)
	p.Write(t, files)
	p.Start(t, tenancy.PoolerEntrypoint)
	require.Error(t, refused(p.url(t, declared[0])), "the server's certificate is for localhost")
	log, err := os.ReadFile(p.LogFile())
	require.NoError(t, err)
	assert.Contains(t, string(log), "not present in server certificate")
}

func TestPoolerRefusesUnencryptedClientsAndAcceptsDriversParameters(t *testing.T) {
	t.Parallel()
	p, declared := poolerOf(t, "acme")
	config, err := pgx.ParseConfig(p.url(t, declared[0]))
	require.NoError(t, err)
	config.RuntimeParams["extra_float_digits"] = "3" // Java's driver
	conn, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
	config.TLSConfig, config.Fallbacks = nil, nil
	_, err = pgx.ConnectConfig(t.Context(), config)
	require.ErrorContains(t, err, "SSL required")
}

func TestPoolerLimitsTheClientsOfEachTenant(t *testing.T) {
	t.Parallel()
	p, declared := poolerOf(t, "acme", "beta")
	acme := p.url(t, declared[0])
	for range 200 {
		postgrestest.Connect(t, acme)
	}
	require.ErrorContains(t, refused(acme), "max_user_client_connections")
	require.NoError(t, refused(p.url(t, declared[1])), "another tenant can connect")
}

func TestPoolerEndsIdleTransactionsAndRequestsThatWaitTooLong(t *testing.T) {
	t.Parallel()
	p, declared := poolerOf(t, "acme", "beta")
	idle, busy, waits := postgrestest.Connect(t, p.url(t, declared[0])), postgrestest.Connect(t, p.url(t, declared[1])), postgrestest.Connect(t, p.url(t, declared[1]))
	run(t, idle, "BEGIN", "SELECT 1")
	begun := time.Now()
	go func() { _, _ = busy.Exec(context.Background(), "SELECT pg_sleep(14)") }()
	super := p.bed.Superuser(t, postgrestest.Database)
	count := func(role, state string) int {
		return ask[int](t, super, fmt.Sprintf("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_%s' AND state = '%s'", role, state))
	}
	require.Eventually(t, func() bool { return count("beta", "active") == 1 }, 5*time.Second, 10*time.Millisecond)
	assert.Equal(t, 1, count("acme", "idle in transaction"))
	_, err := waits.Exec(t.Context(), "SELECT 1")
	require.ErrorContains(t, err, "query_wait_timeout")
	assert.InDelta(t, 10, time.Since(begun).Seconds(), 3, "less than the 30 s after which most ingresses end a request")
	assert.Zero(t, count("acme", "idle in transaction"), "the idle transaction was ended after 5 s")
}

func TestPoolerClosesTheServerConnectionOfAnIdleTenant(t *testing.T) {
	t.Parallel()
	p, declared := poolerOf(t, "acme")
	conn := postgrestest.Connect(t, p.url(t, declared[0]))
	run(t, conn, "SELECT 1")
	super := p.bed.Superuser(t, postgrestest.Database)
	connections := func() int {
		return ask[int](t, super, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'tenant_acme'")
	}
	assert.Equal(t, 1, connections())
	assert.Eventually(t, func() bool { return connections() == 0 }, 25*time.Second, 200*time.Millisecond)
	run(t, conn, "SELECT 1") // the client's own connection stays open
}

// The file contains the verifiers of all tenants that may log in.
func TestPoolersVerifiersAreReadableByItsUserOnly(t *testing.T) {
	t.Parallel()
	p, _ := poolerOf(t, "acme")
	info, err := os.Stat(filepath.Join(p.RunFolder, "users.txt"))
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

// Other tenants can use the connections of a tenant that may not log in.
func TestPoolerReservesConnectionsOnlyForTenantsThatMayLogIn(t *testing.T) {
	t.Parallel()
	files := poolerFiles(t, tenants(settings.Tenant{Name: "large", Plan: "enterprise", State: settings.Suspended},
		settings.Tenant{Name: "middle", Plan: "growth", State: settings.Archived}))
	assert.NotContains(t, files["pgbouncer.ini"], "tenant_large")
	assert.NotContains(t, files["pgbouncer.ini"], "tenant_middle")
}
