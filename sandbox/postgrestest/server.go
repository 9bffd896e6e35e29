// Package postgrestest starts PostgreSQL servers and PgBouncers for tests. Each belongs to one
// test, and ends with it. A server is like the smallest one of DigitalOcean: it has TLS, an
// administrator who is no superuser, an application role, and few connections.
package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgres"
)

// The roles and the database have the same names as on DigitalOcean.
const (
	Admin    = postgres.Admin
	App      = postgres.App
	Database = postgres.Database
	password = "only-for-tests"
)

// Server is a running PostgreSQL that ends with its test.
type Server struct {
	// Port on localhost, with TLS and without.
	Port int
	// CA is the path of the certificate of its authority.
	CA string
	// Dir is a folder that the server's user can read. Bin is the folder of its programs.
	Dir, Bin string

	// major is 0 for the installed PostgreSQL.
	major   int
	account *syscall.Credential
	pid     int
}

// Start runs a server of a major version of PostgreSQL until the test ends. 0 means the newest
// one on this machine. 17 and 18 are downloaded from npm. Start fails the test if a program is
// missing.
func Start(t testing.TB, major int) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a leftover in the temporary folder does no harm
	s := &Server{major: major, Dir: dir, CA: filepath.Join(dir, "ca.crt")}
	s.account, err = postgres.Account()
	require.NoError(t, err)
	require.NoError(t, postgres.WriteCertificates(dir, "localhost"))
	data := dataFolder(t, dir)
	out, err := exec.Command("cp", "-aT", s.share(t), data).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(postgres.Access), 0o600))
	s.own(t)
	s.give(t, data)
	s.Port = FreePort(t)
	server := s.command("postgres", "-D", data, "-p", strconv.Itoa(s.Port), "-k", dir,
		"-c", "listen_addresses=127.0.0.1,::1", "-c", "fsync=off", "-c", "max_connections=25", "-c", "superuser_reserved_connections=3",
		"-c", "ssl=on", "-c", "ssl_cert_file="+filepath.Join(dir, "server.crt"), "-c", "ssl_key_file="+filepath.Join(dir, "server.key"),
		"-c", "log_statement=ddl", "-c", "log_min_messages=info", "-c", "logging_collector=off")
	log, err := os.Create(s.LogFile())
	require.NoError(t, err)
	server.Stdout, server.Stderr = log, log
	require.NoError(t, server.Start())
	s.pid = server.Process.Pid
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // it may have ended by itself
		_ = server.Wait()                          // its status is that of the signal
		_ = log.Close()
	})
	s.await(t)
	s.prepare(t)
	return s
}

// LogFile returns the path of the server's log.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, "server.log") }

// URL returns a connection string for a role: Admin (the administrator) or App (the
// application). It uses TLS, and verifies the server's certificate.
func (s *Server) URL(role string) string {
	u := url.URL{
		Scheme: "postgresql", User: url.UserPassword(role, password), Host: fmt.Sprintf("localhost:%d", s.Port), Path: "/" + Database,
		RawQuery: url.Values{"sslmode": {"verify-full"}, "sslrootcert": {s.CA}}.Encode(),
	}
	return u.String()
}

// Superuser opens a connection as the superuser, by the local socket. DigitalOcean's customers
// have no such role. The connection is closed when the test ends.
func (s *Server) Superuser(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	return Connect(t, fmt.Sprintf("host=%s port=%d user=postgres database=%s", s.Dir, s.Port, database))
}

// Connect opens a connection that is closed when the test ends.
func Connect(t testing.TB, connection string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), connection)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) }) // the server may have ended it
	return conn
}

func (s *Server) prepare(t testing.TB) {
	t.Helper()
	conn := s.Superuser(t, "postgres")
	for _, statement := range postgres.Statements(password) {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	var err error
	for range 100 {
		// The server starts also if another program has its TCP port. Then it has only the socket.
		var tcp net.Conn
		var conn *pgx.Conn
		if tcp, err = net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port)); err == nil {
			require.NoError(t, tcp.Close())
			conn, err = pgx.Connect(context.Background(), fmt.Sprintf("host=%s port=%d user=postgres database=postgres", s.Dir, s.Port))
		}
		if err == nil {
			require.NoError(t, conn.Close(context.Background()))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	log, readErr := os.ReadFile(s.LogFile())
	require.NoError(t, readErr)
	require.NoError(t, err, "PostgreSQL did not start:\n%s", log)
}

// own makes the server's user the owner of its folder. Call it before the server starts.
func (s *Server) own(t testing.TB) {
	t.Helper()
	s.give(t, s.Dir)
}

// give makes the server's user the owner of a folder and its content. No file in it may be
// created or deleted during the call.
func (s *Server) give(t testing.TB, folder string) {
	t.Helper()
	if s.account == nil {
		return
	}
	require.NoError(t, filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(s.account.Uid), int(s.account.Gid))
	}))
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(s.Bin, program), args...)
	command.Dir = s.Dir
	command.Env = append(os.Environ(), "LC_ALL=C", "LD_LIBRARY_PATH="+filepath.Join(s.Bin, "..", "lib"))
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Pdeathsig: syscall.SIGQUIT}
	return command
}

func (s *Server) run(t testing.TB, program string, args ...string) {
	t.Helper()
	command := s.command(program, args...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Run(), "%s %s\n%s", program, strings.Join(args, " "), out.String())
}
