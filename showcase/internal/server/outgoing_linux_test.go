package server_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/genericcorp/platform/sandbox/postgrestest"
	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/server"
)

// AgentHQ runs in a process of its own, which the kernel kills when it creates a network socket, for TCP,
// UDP or DNS. It has its listener already, and reaches the database by a Unix socket.
func TestTheProcessOpensNoConnectionButToTheDatabase(t *testing.T) {
	if os.Getenv("SEALED") != "" {
		serveSealed(t)
		return
	}
	postgres := pgtest.Start(t)
	p := startSealed(t, postgres, "serve")
	path := regexp.MustCompile(`/invitations/[\w-]+`)
	link := ""
	for log := bufio.NewScanner(p.out); link == "" && log.Scan(); {
		link = path.FindString(log.Text())
	}
	require.NotEmpty(t, link)
	s := &terminable{address: "http://127.0.0.1:" + p.port}
	joined := s.post(t, link, "name", "Olga", "email", "olga@example.com", "password", "a long password")
	require.Equal(t, http.StatusSeeOther, joined.StatusCode)
	s.session = joined.Cookies()[0].String()
	assert.Equal(t, http.StatusCreated, s.post(t, "/members", "email", "max@example.com").StatusCode)
	assert.Equal(t, http.StatusSeeOther, s.post(t, "/feedback", "message", "Hello").StatusCode)
	key := keyText.FindStringSubmatch(s.post(t, "/keys", "name", "agent").body)
	require.NotNil(t, key)
	report, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.address+"/api/v1/runs", strings.NewReader(`{"agent":"a","title":"t"}`))
	require.NoError(t, err)
	report.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + key[1]}}
	reported, err := http.DefaultClient.Do(report)
	require.NoError(t, err)
	defer reported.Body.Close()
	assert.Equal(t, http.StatusCreated, reported.StatusCode)
	for _, page := range []string{"/runs", "/costs", "/keys", "/members", "/usage", "/account", "/feedback", "/export/runs.csv", "/healthz", "/readyz", "/metrics"} {
		r, err := s.get(page)
		require.NoError(t, err, page)
		_, err = io.Copy(io.Discard, r.Body)
		require.NoError(t, err, page)
		require.NoError(t, r.Body.Close())
		assert.Equal(t, http.StatusOK, r.StatusCode, page)
	}
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(p.out)
	require.NoError(t, err)
	assert.NoError(t, p.cmd.Wait(), "%s", rest)

	dials := startSealed(t, postgres, "dial")
	var died *exec.ExitError
	require.ErrorAs(t, dials.cmd.Wait(), &died)
	assert.Equal(t, syscall.SIGSYS, died.Sys().(syscall.WaitStatus).Signal(), "a process that dials is killed")
}

type sealed struct {
	cmd  *exec.Cmd
	out  io.Reader
	port string
}

// startSealed runs this test as a process that serves, or that dials.
func startSealed(t *testing.T, postgres *pgtest.Server, does string) sealed {
	t.Helper()
	u, err := url.Parse(postgres.AppURL())
	require.NoError(t, err)
	socket := url.Values{"host": {postgres.Dir}, "port": {strconv.Itoa(postgres.Port)}, "user": {"postgres"}}
	s := sealed{exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$"), nil, strconv.Itoa(postgrestest.FreePort(t))}
	s.cmd.Env = append(os.Environ(), "SEALED="+does, "PORT="+s.port, "DATABASE_URL=postgresql://"+u.Path+"?"+socket.Encode())
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.out, err = s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // it has ended, except after a failure
	return s
}

func serveSealed(t *testing.T) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c, err := config.Load(config.Environment())
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(c.Port))
	require.NoError(t, err)
	require.NoError(t, seal())
	if os.Getenv("SEALED") == "dial" {
		_, err := net.DialTimeout("tcp", listener.Addr().String(), time.Second)
		require.Fail(t, "the process dialed, and is not killed", err)
	}
	s, err := server.New(c, "1.2.3", slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	require.NoError(t, err)
	require.NoError(t, s.Run(ctx, listener))
	require.NoError(t, s.Close())
}

// seal makes the kernel kill this process when a thread of it creates an IPv4 or IPv6 socket.
func seal() error {
	const number, argument = 0, 16 // offsets in struct seccomp_data
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	equals := func(value uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: yes, Jf: no, K: value}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	program := []unix.SockFilter{
		load(number), equals(unix.SYS_SOCKET, 0, 3),
		load(argument), equals(unix.AF_INET, 2, 0), equals(unix.AF_INET6, 1, 0),
		end(unix.SECCOMP_RET_ALLOW), end(unix.SECCOMP_RET_KILL_PROCESS),
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return errno
	}
	return nil
}
