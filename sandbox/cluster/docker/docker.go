// Package docker starts a Docker engine for a test. The engine has a network of its own without
// a way out, so it can pull no image. Its ports are not visible on this machine.
package docker

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// Required is an environment variable. With the value 1, a test fails on a machine that cannot start an
// engine. Otherwise the test is skipped there. .ci/run sets it.
const Required = "REQUIRE_DOCKER"

// Engine is a Docker engine. Use Start.
type Engine struct {
	// Host is the address of the engine, as in DOCKER_HOST.
	Host string

	folder  string
	network *vpc.Network
	process *exec.Cmd
}

// start is a script that runs in namespaces of its own for mounts and processes. So nothing is left
// when its process ends.
const start = `mount -t tmpfs none /run
exec dockerd --data-root "$1/data" --exec-root /run/docker --pidfile /run/docker.pid --host "unix://$1/docker.sock" \
  --cgroup-parent "$2" --exec-opt native.cgroupdriver=cgroupfs --log-level warn`

// Start starts an engine, and ends it after the test with all its containers, images and volumes.
func Start(t testing.TB) *Engine {
	t.Helper()
	if why := missing(); why != "" {
		if os.Getenv(Required) == "1" {
			t.Fatal(why)
		}
		t.Skip("left out: " + why)
	}
	// The path of a socket has at most 107 bytes, and that of t.TempDir may have more.
	folder, err := os.MkdirTemp("", "docker-")
	require.NoError(t, err)
	e := &Engine{Host: "unix://" + folder + "/docker.sock", folder: folder}
	e.network, err = vpc.New()
	require.NoError(t, err)
	group := "/" + filepath.Base(folder)
	e.process = exec.Command("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-euc", start, "start", folder, group)
	log, err := os.Create(filepath.Join(folder, "log"))
	require.NoError(t, err)
	defer log.Close() //nolint:errcheck // the process writes to it
	e.process.Stdout, e.process.Stderr = log, log
	// Ctrl-C is for the test, which ends the engine.
	e.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, e.network.Start(e.process))
	t.Cleanup(func() { e.stop(t, group) })
	require.Eventually(t, func() bool { _, err := e.Try("version"); return err == nil }, time.Minute, 200*time.Millisecond, "the engine does not start: %s", log.Name())
	return e
}

// missing returns the reason why this machine cannot start an engine.
func missing() string {
	if os.Getuid() != 0 {
		return "a Docker engine of its own needs root"
	}
	for _, program := range []string{"dockerd", "docker", "unshare", "iptables"} {
		if _, err := exec.LookPath(program); err != nil {
			return "there is no " + program + "; on Debian: apt-get install docker.io iptables"
		}
	}
	return ""
}

// stop kills the engine. The kernel kills all containers with it, because they are in its PID
// namespace, and removes its mounts.
func (e *Engine) stop(t testing.TB, group string) {
	assert.NoError(t, e.process.Process.Kill())
	_ = e.process.Wait() // it was killed
	assert.Eventually(t, func() bool {
		return removeGroups(group) == nil && os.RemoveAll(e.folder) == nil
	}, 20*time.Second, 200*time.Millisecond, "remove %s", e.folder)
}

// removeGroups deletes the containers' control groups in every hierarchy.
func removeGroups(group string) error {
	found, err := filepath.Glob("/sys/fs/cgroup/*" + group)
	if err != nil {
		return err
	}
	for _, root := range append(found, "/sys/fs/cgroup"+group) {
		var folders []string
		err = errors.Join(err, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append([]string{path}, folders...)
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}))
		for _, folder := range folders {
			err = errors.Join(err, os.Remove(folder))
		}
	}
	return err
}

// Try runs docker, and returns its output.
func (e *Engine) Try(args ...string) (string, error) {
	out, err := e.Command("docker", args...).CombinedOutput()
	return string(out), err
}

// Docker runs docker, and returns its output. The test ends if docker fails.
func (e *Engine) Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := e.Try(args...)
	require.NoError(t, err, "docker %s: %s", strings.Join(args, " "), out)
	return out
}

// Command returns a command that uses the engine.
func (e *Engine) Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	// The engine's own builder needs no plugin of the docker command.
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+e.Host, "DOCKER_BUILDKIT=0", "DOCKER_CONFIG="+e.folder)
	return cmd
}

// Plugin makes a program a command of docker, as the program docker-compose is for "docker compose".
func (e *Engine) Plugin(t testing.TB, name, program string) {
	t.Helper()
	folder := filepath.Join(e.folder, "cli-plugins")
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.Symlink(program, filepath.Join(folder, "docker-"+name)))
}

// Kill sends SIGKILL to the first process of a container. The engine sees a crash. After `docker kill`
// it would not start the container again.
func (e *Engine) Kill(t testing.TB, container string) {
	t.Helper()
	inside := strings.TrimSpace(e.Docker(t, "inspect", "--format", "{{.State.Pid}}", container))
	number, err := strconv.Atoi(inside)
	require.NoError(t, err)
	require.Positive(t, number, "%s does not run", container)
	e.inside(t, "kill", "-9", inside)
}

// SmallDisk mounts a file system of a size, such as "1m", on a folder. Only the engine and its containers
// see it, until unmount is called.
func (e *Engine) SmallDisk(t testing.TB, folder, size string) (unmount func()) {
	t.Helper()
	e.inside(t, "mount", "-t", "tmpfs", "-o", "size="+size, "none", folder)
	return func() { e.inside(t, "umount", folder) }
}

// inside runs a program in the engine's namespaces of processes and mounts.
func (e *Engine) inside(t testing.TB, command ...string) {
	t.Helper()
	children, err := os.ReadFile("/proc/" + strconv.Itoa(e.process.Process.Pid) + "/task/" + strconv.Itoa(e.process.Process.Pid) + "/children")
	require.NoError(t, err)
	args := append([]string{"--target", strings.TrimSpace(string(children)), "--pid", "--mount"}, command...)
	out, err := exec.Command("nsenter", args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// Listen takes a port of the engine's network, as another program on the machine would.
func (e *Engine) Listen(address string) (net.Listener, error) {
	return e.network.Listen("tcp", address)
}

// Dial connects with a port that a container publishes.
func (e *Engine) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	return e.network.Dial(ctx, address)
}
