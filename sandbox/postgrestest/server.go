// Package postgrestest starts private PostgreSQL servers for tests, shaped like
// DigitalOcean's: TLS, an administrator who is no superuser, an application role,
// and the few connections of the smallest size.
package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Roles and the database, named as on DigitalOcean.
const (
	Admin    = "doadmin"
	App      = "app"
	Database = "app"
	password = "only-for-tests"
)

// access lets the superuser in by the local socket, and everybody else by the network
// with a password, to every database, as DigitalOcean's does. Clients disagree whether
// localhost is 127.0.0.1 or ::1, so the server listens on both.
//
//nolint:dupword // pg_hba.conf says "all all": every database, every role
const access = `local all postgres trust
host all all samehost scram-sha-256
`

// Server is a running PostgreSQL that ends with its test.
type Server struct {
	// Port on localhost, with TLS and without.
	Port int
	// CA is the file of the certificate authority.
	CA string
	// Dir is a folder that the server's user can read; Bin has its programs.
	Dir, Bin string

	// major is 0 for the installed PostgreSQL.
	major   int
	account *syscall.Credential
	pid     int
}

// Start runs a server of a major version: the newest installed one for 0, or the
// one that npm has for 17 and 18. What is missing fails the test.
func Start(t testing.TB, major int) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgres-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a leftover in the temporary folder harms nobody
	s := &Server{major: major, Dir: dir, CA: filepath.Join(dir, "ca.crt"), Port: freePort(t), Bin: binaries(t, major, dir)}
	s.lowerRights(t)
	writeCertificates(t, dir)
	s.own(t)
	data := filepath.Join(dir, "data")
	s.run(t, "initdb", "--pgdata="+data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C")
	require.NoError(t, os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(access), 0o600))
	s.own(t)
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
		_ = server.Wait()                          // it was told to end
		_ = log.Close()
	})
	s.await(t)
	s.prepare(t)
	return s
}

// LogFile is where the server writes what it did.
func (s *Server) LogFile() string { return filepath.Join(s.Dir, "server.log") }

// URL connects as the administrator (Admin) or the application's role (App), with
// TLS and the server's certificate verified.
func (s *Server) URL(role string) string {
	u := url.URL{
		Scheme: "postgresql", User: url.UserPassword(role, password), Host: fmt.Sprintf("localhost:%d", s.Port), Path: "/" + Database,
		RawQuery: url.Values{"sslmode": {"verify-full"}, "sslrootcert": {s.CA}}.Encode(),
	}
	return u.String()
}

// Superuser connects as nobody on DigitalOcean can: by the local socket.
func (s *Server) Superuser(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	return Connect(t, fmt.Sprintf("host=%s port=%d user=postgres database=%s", s.Dir, s.Port, database))
}

// Connect opens a connection that ends with its test.
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
	for _, statement := range []string{
		"CREATE ROLE " + Admin + " LOGIN CREATEROLE CREATEDB REPLICATION BYPASSRLS PASSWORD '" + password + "'",
		"CREATE ROLE " + App + " LOGIN PASSWORD '" + password + "'",
		"CREATE DATABASE " + Database + " OWNER " + Admin,
	} {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}

func (s *Server) await(t testing.TB) {
	t.Helper()
	var err error
	for range 100 {
		var conn *pgx.Conn
		conn, err = pgx.Connect(context.Background(), fmt.Sprintf("host=%s port=%d user=postgres database=postgres", s.Dir, s.Port))
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

// lowerRights picks who the server runs as: it refuses to be root.
func (s *Server) lowerRights(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	account, err := user.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.Atoi(account.Uid)
	require.NoError(t, err)
	gid, err := strconv.Atoi(account.Gid)
	require.NoError(t, err)
	s.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// own gives the server's folder to its user, before the server runs.
func (s *Server) own(t testing.TB) {
	t.Helper()
	s.give(t, s.Dir)
}

// give hands a folder to the server's user. Nothing in it may come or go meanwhile.
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

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
