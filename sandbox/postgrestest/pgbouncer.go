package postgrestest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Pooler is a PgBouncer that runs as the server's user and ends with its test.
type Pooler struct {
	// Port on localhost.
	Port int
	// Folder has its files; it changes as the folder of a mounted Secret does.
	Folder string
	// RunFolder and SocketFolder are writable. The second has the Unix socket of its
	// administration console.
	RunFolder, SocketFolder string

	server  *Server
	program string
	command *exec.Cmd
	version int
}

// NewPooler prepares a pooler without starting it, so that its files can name its
// port and folders.
func (s *Server) NewPooler(t testing.TB) *Pooler {
	t.Helper()
	fetched, err := debianProgram{"pgbouncer", "usr/sbin"}.fetch()
	require.NoError(t, err)
	home, err := os.MkdirTemp(s.Dir, "pooler-")
	require.NoError(t, err)
	p := &Pooler{
		server: s, Port: freePort(t), program: filepath.Join(home, "pgbouncer", "run"),
		Folder: filepath.Join(home, "files"), RunFolder: filepath.Join(home, "run"), SocketFolder: filepath.Join(home, "console"),
	}
	for _, folder := range []string{p.Folder, p.RunFolder, p.SocketFolder} {
		require.NoError(t, os.Mkdir(folder, 0o750))
	}
	// The cache of this machine's user may be closed to the server's user.
	require.NoError(t, os.CopyFS(filepath.Dir(p.program), os.DirFS(fetched)))
	s.give(t, home)
	return p
}

// Write puts files in place all at once by a symbolic link that changes its target,
// as the kubelet does with a mounted Secret.
func (p *Pooler) Write(t testing.TB, files map[string]string) {
	t.Helper()
	p.version++
	data := fmt.Sprintf("..%d", p.version)
	require.NoError(t, os.Mkdir(filepath.Join(p.Folder, data), 0o750))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(p.Folder, data, name), []byte(text), 0o600))
		if p.version == 1 {
			require.NoError(t, os.Symlink(filepath.Join("..data", name), filepath.Join(p.Folder, name)))
		}
	}
	next := filepath.Join(p.Folder, "..next")
	require.NoError(t, os.Symlink(data, next))
	p.server.give(t, p.Folder)
	require.NoError(t, os.Rename(next, filepath.Join(p.Folder, "..data")))
}

// Start runs a script of the files, which finds the folders in POOLER and POOLER_RUN and
// the program in PGBOUNCER, and waits until it takes connections.
func (p *Pooler) Start(t testing.TB, script string) {
	t.Helper()
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	command := exec.Command("sh", filepath.Join(p.Folder, script))
	command.Env = append(os.Environ(), "POOLER="+p.Folder, "POOLER_RUN="+p.RunFolder, "PGBOUNCER="+p.program)
	command.Stdout, command.Stderr = log, log
	// A group of its own, so that a kill reaches PgBouncer below the shell.
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.server.account, Setpgid: true, Pdeathsig: syscall.SIGTERM}
	require.NoError(t, command.Start())
	p.command = command
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // it may have ended by itself
		_ = command.Wait()
		if t.Failed() {
			text, err := os.ReadFile(p.LogFile())
			t.Logf("PgBouncer's log (%v):\n%.8000s", err, text)
		}
	})
	address := fmt.Sprintf("127.0.0.1:%d", p.Port)
	for range 500 {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, err := os.ReadFile(p.LogFile())
	require.NoError(t, err)
	t.Fatalf("PgBouncer did not start:\n%s", text)
}

// StartExporter runs the exporter of PgBouncer's metrics as the pooler's user, and
// returns the port on which it listens.
func (p *Pooler) StartExporter(t testing.TB, args func(port int) []string) int {
	t.Helper()
	fetched, err := debianProgram{"prometheus-pgbouncer-exporter", "usr/bin"}.fetch()
	require.NoError(t, err)
	folder := filepath.Join(filepath.Dir(p.Folder), "exporter")
	require.NoError(t, os.CopyFS(folder, os.DirFS(fetched)))
	p.server.give(t, folder)
	port := freePort(t)
	command := exec.Command(filepath.Join(folder, "run"), args(port)...)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.server.account, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended by itself
		_ = command.Wait()
	})
	return port
}

// Stop ends it as Kubernetes ends a Pod: by SIGTERM to the script.
func (p *Pooler) Stop(t testing.TB) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	_ = p.command.Wait() // its status is that of a signal
}

// Kill ends it as a lost node does.
func (p *Pooler) Kill(t testing.TB) {
	t.Helper()
	require.NoError(t, syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL))
	_ = p.command.Wait() // killed
}

// LogFile is where it and the script write.
func (p *Pooler) LogFile() string { return filepath.Join(filepath.Dir(p.Folder), "log") }
