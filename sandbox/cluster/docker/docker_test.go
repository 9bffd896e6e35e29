package docker_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/docker"
	"github.com/genericcorp/platform/sandbox/cluster/images"
)

func TestTheEngineRunsContainersAndLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	shell, err := images.WithTools("shell")
	require.NoError(t, err)
	require.NoError(t, images.Write(folder, []images.Image{shell}))
	var host string
	t.Run("run", func(t *testing.T) {
		engine := docker.Start(t)
		host = strings.TrimPrefix(engine.Host, "unix://")
		engine.Docker(t, "load", "--input", filepath.Join(folder, "shell.tar"))
		engine.Docker(t, "run", "--detach", "--name", "sleeper", "--restart", "always", images.Local("shell"), "/bin/sleep", "1000")
		assert.Contains(t, engine.Docker(t, "ps"), "sleeper")
		assert.DirExists(t, group(t, host))

		started := engine.Docker(t, "inspect", "--format", "{{.State.StartedAt}}", "sleeper")
		engine.Kill(t, "sleeper")
		assert.Eventually(t, func() bool {
			now := engine.Docker(t, "inspect", "--format", "{{.State.Running}} {{.State.StartedAt}}", "sleeper")
			return strings.HasPrefix(now, "true") && !strings.HasSuffix(now, started)
		}, 30*time.Second, 200*time.Millisecond, "the engine sees a crash, and starts the container again")
		out, err := engine.Try("pull", "docker.io/library/hello-world:latest")
		assert.Error(t, err, "the engine has no way out: %s", out)
	})
	if host == "" {
		return // the subtest was left out, or has failed
	}
	assert.NoDirExists(t, filepath.Dir(host))
	found, err := filepath.Glob("/sys/fs/cgroup/*/" + filepath.Base(filepath.Dir(host)))
	require.NoError(t, err)
	assert.Empty(t, found)
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, process := range processes {
		line, err := os.ReadFile(process)
		if err == nil {
			assert.NotContains(t, string(line), host)
		}
	}
}

// group returns the control group of an engine's containers.
func group(t *testing.T, host string) string {
	t.Helper()
	name := filepath.Base(filepath.Dir(host))
	for _, pattern := range []string{"/sys/fs/cgroup/memory/" + name, "/sys/fs/cgroup/" + name} {
		if _, err := os.Stat(pattern); err == nil {
			return pattern
		}
	}
	t.Fatal("the containers have no control group ", name)
	return ""
}
