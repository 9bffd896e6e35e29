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

	"github.com/genericcorp/platform/sandbox/debian"
)

// Pooler is a PgBouncer that runs as the server's user and ends with its test.
type Pooler struct {
	// Port on localhost.
	Port int
	// Folder contains its files. Write replaces them as the kubelet does in a mounted Secret.
	Folder string
	// RunFolder and SocketFolder are writable. SocketFolder gets the Unix socket of the
	// administration console.
	RunFolder, SocketFolder string

	server  *Server
	program string
	command *exec.Cmd
	version int
}

// NewPooler prepares a pooler, but does not start it. So the caller can write files that contain
// its port and folders.
func (s *Server) NewPooler(t testing.TB) *Pooler {
	t.Helper()
	fetched, err := debian.PgBouncer()
	require.NoError(t, err)
	home, err := os.MkdirTemp(s.Dir, "pooler-")
	require.NoError(t, err)
	p := &Pooler{
		server: s, Port: FreePort(t), program: filepath.Join(home, "pgbouncer", "run"),
		Folder: filepath.Join(home, "files"), RunFolder: filepath.Join(home, "run"), SocketFolder: filepath.Join(home, "console"),
	}
	for _, folder := range []string{p.Folder, p.RunFolder, p.SocketFolder} {
		require.NoError(t, os.Mkdir(folder, 0o750))
	}
	// The server's user may have no access to the cache of this machine's user.
	require.NoError(t, os.CopyFS(filepath.Dir(p.program), os.DirFS(fetched)))
	s.give(t, home)
	return p
}

// Write replaces all files at once, by changing the target of a symbolic link. The kubelet does
// the same in a mounted Secret.
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

// Start runs a script of the files, and waits until the pooler accepts connections. The script
// gets the folders in POOLER and POOLER_RUN, and PgBouncer's path in PGBOUNCER.
func (p *Pooler) Start(t testing.TB, script string) {
	t.Helper()
	log, err := os.OpenFile(p.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	command := exec.Command("sh", filepath.Join(p.Folder, script))
	command.Env = append(os.Environ(), "POOLER="+p.Folder, "POOLER_RUN="+p.RunFolder, "PGBOUNCER="+p.program)
	command.Stdout, command.Stderr = log, log
	// The script gets a process group, so that a kill also ends PgBouncer, its child.
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

// StartExporter runs the exporter of PgBouncer's metrics as the pooler's user. It returns the
// TCP port on which the exporter listens.
func (p *Pooler) StartExporter(t testing.TB, args func(port int) []string) int {
	t.Helper()
	fetched, err := debian.Exporter()
	require.NoError(t, err)
	folder := filepath.Join(filepath.Dir(p.Folder), "exporter")
	require.NoError(t, os.CopyFS(folder, os.DirFS(fetched)))
	p.server.give(t, folder)
	port := FreePort(t)
	command := exec.Command(filepath.Join(folder, "run"), args(port)...)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: p.server.account, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended by itself
		_ = command.Wait()
	})
	return port
}

// Stop ends the pooler as Kubernetes ends a Pod: it sends SIGTERM to the script.
func (p *Pooler) Stop(t testing.TB) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	_ = p.command.Wait() // its status is that of the signal
}

// Kill ends the pooler without warning, as the loss of a node does.
func (p *Pooler) Kill(t testing.TB) {
	t.Helper()
	require.NoError(t, syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL))
	_ = p.command.Wait() // its status is that of SIGKILL
}

// LogFile returns the path of the log of the script and of PgBouncer.
func (p *Pooler) LogFile() string { return filepath.Join(filepath.Dir(p.Folder), "log") }
