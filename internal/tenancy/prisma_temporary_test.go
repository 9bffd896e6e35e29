package tenancy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

func prismaPooler(t testing.TB, b *bed, declared []settings.Tenant) int {
	t.Helper()
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	var users strings.Builder
	for line := range strings.Lines(verifiers) {
		role, verifier, _ := strings.Cut(strings.TrimSpace(line), ",")
		fmt.Fprintf(&users, "%q %q\n", role, verifier)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	config := fmt.Sprintf(`[databases]
app = host=localhost port=%[1]d dbname=app
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[2]d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %[3]s/users.txt
pool_mode = transaction
max_client_conn = 2000
default_pool_size = 1
min_pool_size = 0
max_db_connections = 16
server_idle_timeout = 15
server_login_retry = 1
server_reset_query_always = 1
ignore_startup_parameters = extra_float_digits
client_tls_sslmode = require
client_tls_cert_file = %[3]s/server.crt
client_tls_key_file = %[3]s/server.key
server_tls_sslmode = verify-full
server_tls_ca_file = %[3]s/ca.crt
logfile = %[3]s/pgbouncer.log
`, b.Port, port, b.Dir)
	require.NoError(t, os.WriteFile(filepath.Join(b.Dir, "users.txt"), []byte(users.String()), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(b.Dir, "pgbouncer.ini"), []byte(config), 0o644))
	pooler := exec.Command("/usr/sbin/pgbouncer", "--quiet", "-u", "nobody", filepath.Join(b.Dir, "pgbouncer.ini"))
	pooler.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, pooler.Start())
	t.Cleanup(func() { _ = pooler.Process.Kill(); _ = pooler.Wait() })
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 10*time.Second, 50*time.Millisecond)
	return port
}

func otherAuthority(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "another"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
