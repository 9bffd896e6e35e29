package postgrestest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Pooler starts PgBouncer before the server in transaction mode, with the
// verifiers of the roles that may log in, as lines of "role,verifier". Its pools
// take connections in all. It returns the port on 127.0.0.1.
func (s *Server) Pooler(t testing.TB, verifiers string, connections int) int {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // where Debian puts it, off the PATH of many
	}
	_, err = os.Stat(program)
	require.NoError(t, err, "PgBouncer is missing; on Debian: apt-get install pgbouncer")
	var users strings.Builder
	for line := range strings.Lines(verifiers) {
		role, verifier, _ := strings.Cut(strings.TrimSpace(line), ",")
		fmt.Fprintf(&users, "%q %q\n", role, verifier)
	}
	port := freePort(t)
	config := fmt.Sprintf(`[databases]
%[1]s = host=127.0.0.1 port=%[2]d dbname=%[1]s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %[3]d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %[4]s/users.txt
pool_mode = transaction
max_client_conn = 200
default_pool_size = %[5]d
max_db_connections = %[5]d
logfile = %[4]s/pgbouncer.log
`, Database, s.Port, port, s.Dir, connections)
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "users.txt"), []byte(users.String()), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, "pgbouncer.ini"), []byte(config), 0o600))
	s.own(t)
	pooler := exec.Command(program, "--quiet", filepath.Join(s.Dir, "pgbouncer.ini"))
	pooler.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, pooler.Start())
	t.Cleanup(func() {
		_ = pooler.Process.Kill() // it may have ended by itself
		_ = pooler.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 10*time.Second, 50*time.Millisecond, "PgBouncer did not start")
	return port
}
