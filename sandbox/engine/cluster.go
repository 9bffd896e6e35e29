package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// ClusterFolder returns the folder of the stack's real control plane.
func (s Stack) ClusterFolder() string { return filepath.Join(s.Folder, "cluster") }

// Kubeconfig returns the path of the kubeconfig for the stack's real control plane. The file
// exists while that runs.
func (s Stack) Kubeconfig() string { return filepath.Join(s.ClusterFolder(), "kubeconfig") }

// OnCluster returns the stack with a Kubernetes provider that uses the real control plane.
// Call StartCluster before the stack's first run.
func (s Stack) OnCluster(tools build.ClusterTools) Stack {
	s.Env = append(append([]string{}, s.Env...),
		cloud.EnvKubeconfig+"="+s.Kubeconfig(), cloud.EnvRender+"="+tools.Command+" render")
	if _, err := os.Stat(s.database()); err == nil {
		s.Env = append(s.Env, cloud.EnvDatabase+"="+s.database())
	}
	return s
}

// database returns the path of the file about the database of a cluster with real nodes.
func (s Stack) database() string { return filepath.Join(s.ClusterFolder(), cloud.DatabaseFile) }

// ClusterRuns reports whether the stack's real control plane runs.
func (s Stack) ClusterRuns() bool {
	_, err := s.clusterProcess()
	return err == nil
}

// StartCluster starts a real control plane for the stack, unless one runs, and waits until
// it is ready, at most two minutes. The cluster stops with StopCluster, or when process
// parentPID exits; 0 means never. Its nodes are fake, unless flags of "cluster serve" say
// otherwise.
func (s Stack) StartCluster(tools build.ClusterTools, parentPID int, progress io.Writer, flags ...string) error {
	if s.ClusterRuns() {
		return nil
	}
	// Files of a cluster that stopped with the machine cannot be used again.
	if err := os.RemoveAll(s.ClusterFolder()); err != nil {
		return err
	}
	if err := os.MkdirAll(s.ClusterFolder(), 0o700); err != nil {
		return err
	}
	fmt.Fprintln(progress, "starting the cluster (about 15 seconds) ...")
	log, err := os.Create(filepath.Join(s.ClusterFolder(), "cluster.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child process has its own file descriptor
	cmd := exec.Command(tools.Command, append([]string{
		"serve", "-bin", tools.Bin, "-folder", s.ClusterFolder(), "-cloud", s.CloudFolder(), "-parent", strconv.Itoa(parentPID),
	}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := os.WriteFile(s.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	for started := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(s.ClusterFolder(), "ready")); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			text, readErr := os.ReadFile(log.Name())
			return errors.Join(fmt.Errorf("the cluster did not start (%w):\n%s", err, text), readErr)
		default:
		}
		if time.Since(started) > 2*time.Minute {
			return errors.Join(fmt.Errorf("the cluster is not ready after two minutes; its log is %s", log.Name()), s.StopCluster())
		}
	}
}

func (s Stack) pidFile() string { return filepath.Join(s.ClusterFolder(), "pid") }

// clusterProcess returns the cluster's process, or an error if it does not run.
func (s Stack) clusterProcess() (*os.Process, error) {
	data, err := os.ReadFile(s.pidFile())
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, err
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, err
	}
	// After a restart of the machine, another program may have the ID.
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.Contains(string(command), s.ClusterFolder()) {
		return nil, os.ErrProcessDone
	}
	return process, process.Signal(syscall.Signal(0))
}

// StopCluster stops the stack's control plane and deletes its files. It is no error if the
// control plane does not run. It kills a process that does not stop within 30 seconds.
func (s Stack) StopCluster() error {
	process, err := s.clusterProcess()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrProcessDone) {
		return os.RemoveAll(s.ClusterFolder())
	}
	if err != nil {
		return err
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	for range 300 {
		if process.Signal(syscall.Signal(0)) != nil {
			return os.RemoveAll(s.ClusterFolder())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.Join(process.Kill(), os.RemoveAll(s.ClusterFolder()))
}
