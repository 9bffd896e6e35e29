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

	"github.com/genericcorp/platform/internal/postgrestest"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

// poolSize is what each of two poolers gets on the smallest database in the tests.
const poolSize = 6

var poolerHosts = []string{"localhost"}

// pooler is a running PgBouncer with the files of production.
type pooler struct {
	*postgrestest.Pooler
	bed *bed
	// ca is the file with its authority.
	ca string
	// shared is how many server connections the tenants share.
	shared int
}

func newPooler(t testing.TB, b *bed, declared []settings.Tenant) *pooler {
	t.Helper()
	p := &pooler{Pooler: b.NewPooler(t), bed: b, ca: filepath.Join(t.TempDir(), "pooler.crt"), shared: poolSize}
	authority, err := tenancy.PoolerCA(seed, poolerHosts)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(p.ca, []byte(authority), 0o600))
	p.declare(t, declared)
	p.Start(t, tenancy.PoolerEntrypoint)
	return p
}

// declare writes the files that an update writes.
func (p *pooler) declare(t testing.TB, declared []settings.Tenant) {
	t.Helper()
	ca, err := os.ReadFile(p.bed.CA)
	require.NoError(t, err)
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	files, err := tenancy.Pooler{
		Folder: p.Folder, SocketFolder: p.SocketFolder, Port: p.Port, Hosts: poolerHosts, Shared: p.shared,
	}.Files(p.bed.URL(postgrestest.Admin), string(ca), seed, verifiers, declared)
	require.NoError(t, err)
	p.Write(t, files)
}

// url is a tenant's connection string by way of the pooler.
func (p *pooler) url(t testing.TB, tenant settings.Tenant) string {
	t.Helper()
	admin := strings.ReplaceAll(p.bed.URL(postgrestest.Admin), url.QueryEscape(p.bed.CA), url.QueryEscape(p.ca))
	urls, err := tenancy.URLs(admin, tenancy.Address{Host: "localhost", Port: p.Port}, seed, []settings.Tenant{tenant})
	require.NoError(t, err)
	return urls[tenant.Name+".url"]
}

// refused is the error of a login.
func refused(connection string) error {
	conn, err := pgx.Connect(context.Background(), connection)
	if err == nil {
		_ = conn.Close(context.Background())
	}
	return err
}

func TestPoolerTakesTenantsThatAreAddedRekeyedAndSuspendedWithoutARestart(t *testing.T) {
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
	assert.Equal(t, 1, ask[int](t, acme, "SELECT 1"), "an open session goes on")

	suspended := tenants(settings.Tenant{Name: "acme", State: settings.Suspended})
	b.must(t, suspended)
	_, err := acme.Exec(context.Background(), "SELECT 1")
	require.Error(t, err, "the database cuts it off before the pooler hears of it")
	p.declare(t, suspended)
	require.Eventually(t, func() bool {
		err := refused(p.url(t, declared[0]))
		return err != nil && strings.Contains(err.Error(), "authentication failed")
	}, 10*time.Second, 50*time.Millisecond)
}
