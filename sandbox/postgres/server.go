// Package postgres runs a PostgreSQL server that is shaped like DigitalOcean's smallest one: it
// has TLS, an administrator who is no superuser, an application role, and few connections. It
// uses the newest PostgreSQL on this machine.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/genericcorp/platform/sandbox/machine"
)

// The roles and the database have the same names as on DigitalOcean.
const (
	Admin    = "doadmin"
	App      = "app"
	Database = "app"
)

// Access is pg_hba.conf. The superuser connects by the local socket. All other roles connect
// by the network with a password, to every database, as on DigitalOcean.
//
//nolint:dupword // pg_hba.conf says "all all": every database, every role
const Access = `local all postgres trust
host all all samehost scram-sha-256
`

// Server is a running PostgreSQL.
type Server struct {
	// Port on 127.0.0.1, with TLS and without.
	Port int
	// CA is the path of the certificate of its authority.
	CA string

	folder, bin string
	account     *syscall.Credential
	process     *exec.Cmd
	ended       chan error
}

// Options are what differs between servers.
type Options struct {
	// Folder is created, and gets all files of the server.
	Folder string
	// Hosts are the names in the server's certificate.
	Hosts []string
	// Port is the TCP port on 127.0.0.1.
	Port int
	// Password is that of Admin and App.
	Password string
}

// Start starts a server with a new, empty database. The kernel ends the server when this
// process ends. PostgreSQL refuses to run as root, so root runs it as "nobody".
func Start(o Options) (*Server, error) {
	s := &Server{Port: o.Port, CA: filepath.Join(o.Folder, "ca.crt"), folder: o.Folder, ended: make(chan error, 1)}
	var err error
	if s.bin, err = machine.PostgreSQL(); err != nil {
		return nil, err
	}
	if s.account, err = Account(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, err
	}
	if err := WriteCertificates(o.Folder, o.Hosts...); err != nil {
		return nil, err
	}
	if err := s.initialize(); err != nil {
		return nil, err
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	conn, err := s.connect(context.Background())
	if err == nil {
		err = prepare(context.Background(), conn, o.Password)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) initialize() error {
	if err := s.own(); err != nil {
		return err
	}
	data := filepath.Join(s.folder, "data")
	out, err := s.command("initdb", "--pgdata="+data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return errors.Join(os.WriteFile(filepath.Join(data, "pg_hba.conf"), []byte(Access), 0o600), s.own())
}

// run starts the server. Its socket is in a folder of the temporary folder, because a path of
// a Unix socket has at most 107 bytes.
func (s *Server) run() error {
	s.process = s.command("postgres", "-D", filepath.Join(s.folder, "data"), "-p", strconv.Itoa(s.Port), "-k", s.folder,
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=25", "-c", "superuser_reserved_connections=3",
		"-c", "ssl=on", "-c", "ssl_cert_file="+filepath.Join(s.folder, "server.crt"), "-c", "ssl_key_file="+filepath.Join(s.folder, "server.key"))
	log, err := os.Create(s.LogFile())
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server has its own file descriptor
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	go func() { s.ended <- s.process.Wait() }()
	return nil
}

// connect connects as the superuser as soon as the server accepts it. A server that starts takes
// connections some time before it answers them.
func (s *Server) connect(ctx context.Context) (*pgx.Conn, error) {
	const wait = time.Minute
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		conn, err := pgx.Connect(ctx, fmt.Sprintf("host=%s port=%d user=postgres database=postgres", s.folder, s.Port))
		if err == nil {
			return conn, nil
		}
		if len(s.ended) > 0 || time.Since(start) > wait {
			return nil, fmt.Errorf("PostgreSQL did not start; see %s: %w", s.LogFile(), err)
		}
	}
}

// LogFile returns the path of the server's log.
func (s *Server) LogFile() string { return filepath.Join(s.folder, "server.log") }

// Ended returns a channel with an error when the server has ended.
func (s *Server) Ended() <-chan error { return s.ended }

// Stop ends the server at once.
func (s *Server) Stop() error { return s.process.Process.Signal(syscall.SIGQUIT) }

// Statements returns the SQL that creates the administrator, the application's role and its
// database in a new server. password is that of both roles.
func Statements(password string) []string {
	return []string{
		"CREATE ROLE " + Admin + " LOGIN CREATEROLE CREATEDB REPLICATION BYPASSRLS PASSWORD '" + password + "'",
		"CREATE ROLE " + App + " LOGIN PASSWORD '" + password + "'",
		"CREATE DATABASE " + Database + " OWNER " + Admin,
	}
}

// prepare creates the administrator, the application's role and its database.
func prepare(ctx context.Context, conn *pgx.Conn, password string) error {
	for _, statement := range Statements(password) {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return errors.Join(err, conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.Env = s.folder, append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// own makes the server's user the owner of the folder.
func (s *Server) own() error {
	if s.account == nil {
		return nil
	}
	return filepath.WalkDir(s.folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(s.account.Uid), int(s.account.Gid)) //nolint:gosec // the server does not run yet
	})
}

// Account returns the account for a server: nil for the present one. PostgreSQL refuses to run as
// root, so root gets the account "nobody".
func Account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}
