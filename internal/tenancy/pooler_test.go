package tenancy_test

import (
	"context"
	"net/url"
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

// poolSize is the number of shared server connections of each of two poolers on the smallest
// database.
const poolSize = 6

// transactionSeconds is the longest duration of a transaction in tests. Production has 120.
const transactionSeconds = 30

var poolerHosts = []string{"localhost"}

// pooler is a running PgBouncer with the same files as in production.
type pooler struct {
	*postgrestest.Pooler
	bed *bed
	// ca is the path of the certificate of its authority.
	ca string
	// shared is the number of server connections that the tenants share.
	shared int
	// transaction is the longest duration of a transaction in seconds.
	transaction int
}

func newPooler(t testing.TB, b *bed, declared []settings.Tenant) *pooler {
	t.Helper()
	return newPoolerWith(t, b, declared, transactionSeconds)
}

func newPoolerWith(t testing.TB, b *bed, declared []settings.Tenant, transaction int) *pooler {
	t.Helper()
	p := &pooler{Pooler: b.NewPooler(t), bed: b, ca: filepath.Join(t.TempDir(), "pooler.crt"), shared: poolSize, transaction: transaction}
	authority, err := tenancy.PoolerCA(seed, poolerHosts)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.ca, []byte(authority), 0o600))
	p.declare(t, declared)
	p.Start(t, tenancy.PoolerEntrypoint)
	return p
}

// declare writes the pooler's files for these tenants, as an update does.
func (p *pooler) declare(t testing.TB, declared []settings.Tenant) {
	t.Helper()
	ca, err := os.ReadFile(p.bed.CA)
	require.NoError(t, err)
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	files, err := tenancy.Pooler{
		Folder: p.Folder, RunFolder: p.RunFolder, SocketFolder: p.SocketFolder, Port: p.Port, Hosts: poolerHosts, Shared: p.shared, TransactionSeconds: p.transaction,
	}.Files(p.bed.URL(postgrestest.Admin), string(ca), seed, verifiers, declared)
	require.NoError(t, err)
	p.Write(t, files)
}

// url returns a tenant's connection string to the pooler.
func (p *pooler) url(t testing.TB, tenant settings.Tenant) string {
	t.Helper()
	admin := strings.ReplaceAll(p.bed.URL(postgrestest.Admin), url.QueryEscape(p.bed.CA), url.QueryEscape(p.ca))
	urls, err := tenancy.URLs(admin, tenancy.Address{Host: "localhost", Port: p.Port}, seed, []settings.Tenant{tenant})
	require.NoError(t, err)
	return urls[tenant.Name+".url"]
}

// refused connects, and returns the error of the login. It returns nil if the login succeeds.
func refused(connection string) error {
	conn, err := pgx.Connect(context.Background(), connection)
	if err == nil {
		_ = conn.Close(context.Background())
	}
	return err
}

func TestPoolerAppliesNewTenantsPasswordsAndSuspensionsWithoutARestart(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	p := newPooler(t, b, declared)
	acme := postgrestest.Connect(t, p.url(t, declared[0]))
	assert.Equal(t, "tenant_acme", ask[string](t, acme, "SELECT session_user || ''"))

	changed := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "beta", PasswordVersion: 2},
		settings.Tenant{Name: "gamma"}, settings.Tenant{Name: "large", Plan: "enterprise"})
	b.must(t, changed)
	p.declare(t, changed)
	for _, tenant := range changed {
		require.Eventually(t, func() bool { return refused(p.url(t, tenant)) == nil }, 10*time.Second, 50*time.Millisecond, tenant.Name)
		conn := postgrestest.Connect(t, p.url(t, tenant))
		assert.Equal(t, "tenant_"+tenant.Name, ask[string](t, conn, "SELECT current_schema()"))
	}
	require.ErrorContains(t, refused(p.url(t, declared[1])), "authentication failed", "the old password")
	assert.Equal(t, 1, ask[int](t, acme, "SELECT 1"), "an open session still works")

	suspended := tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "gamma"})
	b.must(t, suspended)
	_, err := acme.Exec(context.Background(), "SELECT 1")
	require.Error(t, err, "the database ends the session before the pooler reads the new files")
	p.declare(t, suspended)
	// acme is suspended, and beta is no longer declared.
	for _, tenant := range changed[:2] {
		require.Eventually(t, func() bool {
			err := refused(p.url(t, tenant))
			return err != nil && strings.Contains(err.Error(), "authentication failed")
		}, 10*time.Second, 50*time.Millisecond, "%s: PgBouncer 1.25 and 1.26 remember verifiers that left the auth_file", tenant.Name)
	}
	p.declare(t, changed)
	require.Eventually(t, func() bool { return refused(p.url(t, changed[1])) == nil }, 10*time.Second, 50*time.Millisecond,
		"who comes back is let in again")
}

func TestPoolerEndsLongTransactionsWhateverTheSessionSets(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	p := newPoolerWith(t, b, declared, 2)
	other := postgrestest.Connect(t, p.url(t, declared[1]))
	for name, keep := range map[string]func(*pgx.Conn) error{
		"a loop of short statements": func(conn *pgx.Conn) error {
			return pgx.BeginFunc(context.Background(), conn, func(tx pgx.Tx) error {
				for {
					if _, err := tx.Exec(context.Background(), "SELECT pg_sleep(0.1)"); err != nil {
						return err
					}
				}
			})
		},
		"a statement without a timeout": func(conn *pgx.Conn) error {
			_, err := conn.Exec(context.Background(), "BEGIN; SET LOCAL statement_timeout = 0; SELECT pg_sleep(30)")
			return err
		},
		"a statement without a timeout and without a transaction": func(conn *pgx.Conn) error {
			_, err := conn.Exec(context.Background(), "SET statement_timeout = 0; SELECT pg_sleep(30)")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := postgrestest.Connect(t, p.url(t, declared[0]))
			begun := time.Now()
			require.Error(t, keep(conn))
			assert.Less(t, time.Since(begun), 8*time.Second)
			assert.Equal(t, 1, ask[int](t, other, "SELECT 1"), "other tenants can connect")
		})
	}
	log, err := os.ReadFile(p.LogFile())
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(string(log), "transaction timeout"))
}
