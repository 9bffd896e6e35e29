package tenancy_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

const poolerAdmin = "postgresql://doadmin:hunter2@db.example.com:25060/it's%20mine?sslmode=verify-full"

func poolerFiles(t *testing.T, declared []settings.Tenant) map[string]string {
	t.Helper()
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	files, err := tenancy.Pooler{
		Folder: "/etc/pooler", RunFolder: "/run/pgbouncer", SocketFolder: "/run/console", Port: 6432, Hosts: []string{"pooler.example.com"}, Shared: 6, TransactionSeconds: 120,
	}.Files(poolerAdmin, "PEM", seed, verifiers, declared)
	require.NoError(t, err)
	return files
}

func TestPoolerFilesHaveOnlyTheLoginsOfActiveTenants(t *testing.T) {
	t.Parallel()
	files := poolerFiles(t, tenants(
		settings.Tenant{Name: "acme", Restore: true}, settings.Tenant{Name: "beta", State: settings.Suspended},
		settings.Tenant{Name: "gamma", State: settings.Archived}, settings.Tenant{Name: "delta", Plan: "growth"},
		settings.Tenant{Name: "large", Plan: "enterprise"},
	))
	var roles []string
	for line := range strings.Lines(files["users.txt"]) {
		roles = append(roles, strings.Fields(line)[0])
		assert.Contains(t, line, ` "SCRAM-SHA-256$`, "verifiers, no passwords")
	}
	assert.Equal(t, []string{`"tenant_acme"`, `"tenant_delta"`, `"tenant_large"`}, roles, "no owner, and no suspended or archived tenant")
	for name, text := range files {
		assert.NotContains(t, text, "hunter2", name)
		assert.NotContains(t, text, "doadmin", name)
	}
	assert.Contains(t, files["pgbouncer.ini"], "app = host='db.example.com' port=25060 dbname='it''s mine' max_db_connections=6\n")
	assert.Contains(t, files["pgbouncer.ini"], "tenant_large = host='db.example.com' port=25060 dbname='it''s mine' pool_size=2 max_db_connections=2\n")
	assert.Contains(t, files["pgbouncer.ini"], "[users]\ntenant_delta = pool_size=2\n")
}

func TestPoolerFilesAreTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	assert.Equal(t, poolerFiles(t, named("acme")), poolerFiles(t, named("acme")), "otherwise every update would change the files")
}

func TestPoolerCertificateIsValidForItsHostsAndItsAuthorityForNoOthers(t *testing.T) {
	t.Parallel()
	hosts := []string{"pooler.example.com"}
	authority, err := tenancy.PoolerCA(seed, hosts)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(authority)))
	block, _ := pem.Decode([]byte(poolerFiles(t, named("acme"))["tls.crt"]))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	at := time.Date(2050, time.January, 1, 0, 0, 0, 0, time.UTC)
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: hosts[0], CurrentTime: at})
	require.NoError(t, err)
	_, err = certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "db.example.com", CurrentTime: at})
	require.Error(t, err)
	block, _ = pem.Decode([]byte(authority))
	ca, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.Equal(t, hosts, ca.PermittedDNSDomains, "it must not be valid for the database's host")
	other, err := tenancy.PoolerCA("another seed", hosts)
	require.NoError(t, err)
	assert.NotEqual(t, authority, other)
}
