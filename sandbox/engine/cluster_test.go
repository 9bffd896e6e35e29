package engine_test

import (
	"errors"
	"io"
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

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/engine"
)

func TestStopClusterSparesAnotherProgramThatHasItsProcessID(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	require.NoError(t, os.MkdirAll(s.ClusterFolder(), 0o700))
	// The process of this test would end.
	require.NoError(t, os.WriteFile(filepath.Join(s.ClusterFolder(), "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600))
	assert.False(t, s.ClusterRuns())
	require.NoError(t, s.StopCluster())
	assert.NoDirExists(t, s.ClusterFolder())
}

// cluster writes a program that takes the place of "cluster" and runs a line of shell as "serve".
func cluster(t *testing.T, serve string) build.ClusterTools {
	t.Helper()
	command := filepath.Join(t.TempDir(), "cluster")
	// Its arguments are "serve -bin <bin> -folder <folder> ...".
	require.NoError(t, os.WriteFile(command, []byte("#!/bin/sh\n"+serve+"\n"), 0o755))
	return build.ClusterTools{Command: command, Bin: "bin"}
}

func TestStartClusterReturnsTheEndOfTheLogOfAClusterThatDoesNotStart(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	err := s.StartCluster(cluster(t, "seq 100 129; exit 1"), 0, io.Discard)
	assert.ErrorContains(t, err, "the cluster did not start; the end of its log "+s.ClusterLog()+":\n110\n111\n")
	assert.ErrorContains(t, err, "\n129")
	assert.FileExists(t, s.ClusterLog())
}

func TestStartClusterWaitsForAClusterThatAnEarlierRunHasStarted(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	tools := cluster(t, `sleep 1; touch "$5/ready"; while :; do sleep 0.1; done`)
	first := make(chan error, 1)
	go func() { first <- s.StartCluster(tools, 0, io.Discard) }()
	require.Eventually(t, s.ClusterRuns, 5*time.Second, 10*time.Millisecond)
	var progress strings.Builder
	require.NoError(t, s.StartCluster(build.ClusterTools{Command: "/nothing"}, 0, &progress))
	assert.Contains(t, progress.String(), "waiting for the cluster")
	assert.FileExists(t, filepath.Join(s.ClusterFolder(), "ready"))
	require.NoError(t, <-first)
	require.NoError(t, s.KillProcesses())
}

// For a moment after its start, a process has no command line yet. Many starts side by side make
// that moment longer.
func TestStartClusterSeesAClusterThatHasJustStarted(t *testing.T) {
	tools := cluster(t, `touch "$5/ready"; while :; do sleep 0.1; done`)
	errs := make(chan error)
	const starts = 16
	for range starts {
		go func() {
			var err error
			for range 10 {
				s := engine.Stack{Name: "demo", Folder: t.TempDir()}
				err = errors.Join(err, s.StartCluster(tools, 0, io.Discard), s.KillProcesses())
			}
			errs <- err
		}()
	}
	for range starts {
		assert.NoError(t, <-errs)
	}
}

func TestClusterEndedTellsWhyAClusterHasEnded(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	tools := cluster(t, `touch "$5/ready"; until test -e "$5/end"; do sleep 0.05; done; echo etcd exited; rm "$5/ready"; sleep 0.5; exit 1`)
	require.NoError(t, s.StartCluster(tools, 0, io.Discard))
	require.NoError(t, s.ClusterEnded())
	require.NoError(t, os.WriteFile(filepath.Join(s.ClusterFolder(), "end"), nil, 0o600))
	require.Eventually(t, func() bool { return s.ClusterEnded() != nil }, 5*time.Second, 10*time.Millisecond)
	assert.ErrorContains(t, s.ClusterEnded(), "etcd exited")
	assert.ErrorContains(t, s.ClusterEnded(), s.ClusterLog())
}

func TestClusterEndedSuspectsTheKernelIfTheLogIsEmpty(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	require.NoError(t, s.StartCluster(cluster(t, `touch "$5/ready"; while :; do sleep 0.1; done`), 0, io.Discard))
	require.NoError(t, s.KillProcesses())
	assert.ErrorContains(t, s.ClusterEnded(), "lack of memory")
}

func TestKillProcessesEndsTheProvidersOfAnEngineThatWasKilled(t *testing.T) {
	s := engine.Stack{Name: "demo", Folder: t.TempDir()}
	other := engine.Stack{Name: "demo", Folder: t.TempDir()}
	var started []*exec.Cmd
	for _, stack := range []engine.Stack{s, other} {
		provider := exec.Command("sleep", "600")
		provider.Env = []string{"A=1", cloud.EnvFolder + "=" + stack.CloudFolder()}
		require.NoError(t, provider.Start())
		started = append(started, provider)
	}
	// Somebody reads the log meanwhile.
	reader := exec.Command("tail", "-F", s.ClusterLog())
	require.NoError(t, reader.Start())
	started = append(started, reader)
	assert.Equal(t, []int{started[0].Process.Pid}, s.Processes())
	go func() { _ = started[0].Wait() }()
	require.NoError(t, s.KillProcesses())
	assert.Empty(t, s.Processes())
	for _, spared := range started[1:] {
		assert.NoError(t, spared.Process.Signal(syscall.Signal(0)))
		require.NoError(t, spared.Process.Kill())
		assert.Error(t, spared.Wait())
	}
}
