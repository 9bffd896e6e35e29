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
	if s.clusterReady() && s.ClusterRuns() {
		return nil
	}
	if s.ClusterRuns() {
		fmt.Fprintln(progress, "waiting for the cluster, which an earlier run started ...")
		return s.awaitCluster()
	}
	// Files of a cluster that stopped with the machine cannot be used again.
	if err := os.RemoveAll(s.ClusterFolder()); err != nil {
		return err
	}
	if err := os.MkdirAll(s.ClusterFolder(), 0o700); err != nil {
		return err
	}
	fmt.Fprintln(progress, "starting the cluster (about 15 seconds) ...")
	log, err := os.Create(s.ClusterLog())
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child process has its own file descriptor
	cmd := exec.Command(tools.Command, append([]string{
		"serve", "-bin", tools.Bin, flagFolder, s.ClusterFolder(), "-cloud", s.CloudFolder(), "-parent", strconv.Itoa(parentPID),
	}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // ClusterEnded reads the reason in the log
	if err := os.WriteFile(s.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600); err != nil {
		return err
	}
	return s.awaitCluster()
}

// flagFolder is the flag of "cluster serve" with the cluster's folder.
const flagFolder = "-folder"

// ClusterLog returns the path of the cluster's own log. The logs of its programs are beside it.
func (s Stack) ClusterLog() string { return filepath.Join(s.ClusterFolder(), "cluster.log") }

// clusterReady reports whether the cluster was ready and has not stopped. A cluster that was
// killed was ready too.
func (s Stack) clusterReady() bool {
	_, err := os.Stat(filepath.Join(s.ClusterFolder(), "ready"))
	return err == nil
}

// awaitCluster waits until the cluster is ready, at most two minutes.
func (s Stack) awaitCluster() error {
	for started := time.Now(); !s.clusterReady(); time.Sleep(200 * time.Millisecond) {
		if !s.ClusterRuns() {
			return s.endOfLog("the cluster did not start")
		}
		if time.Since(started) > 2*time.Minute {
			return errors.Join(s.endOfLog("the cluster is not ready after two minutes"), s.StopCluster())
		}
	}
	return nil
}

// ClusterEnded returns an error with the end of the cluster's log if the cluster has ended or
// is ending by itself, and nil if it runs. It waits at most 10 seconds for the end.
func (s Stack) ClusterEnded() error {
	for started := time.Now(); s.ClusterRuns(); time.Sleep(100 * time.Millisecond) {
		if s.clusterReady() {
			return nil
		}
		if time.Since(started) > 10*time.Second {
			break
		}
	}
	return s.endOfLog("the cluster has ended")
}

// endOfLog returns an error with the path and the last lines of the cluster's log.
func (s Stack) endOfLog(what string) error {
	text, err := os.ReadFile(s.ClusterLog())
	if err != nil {
		return fmt.Errorf("%s, and its log cannot be read: %w", what, err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = lines[max(0, len(lines)-20):]
	if lines[0] == "" {
		return fmt.Errorf("%s; its log %s is empty. If something killed it, such as the kernel for lack of memory, dmesg says so", what, s.ClusterLog())
	}
	return fmt.Errorf("%s; the end of its log %s:\n%s", what, s.ClusterLog(), strings.Join(lines, "\n"))
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
	command, err := commandLine(pid)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.Contains(string(command), s.ClusterFolder()) {
		return nil, os.ErrProcessDone
	}
	return process, process.Signal(syscall.Signal(0))
}

// commandLine returns the command line of a process. For a moment after its start it is empty: exec
// reports its success before it has copied the arguments. That of a process that has ended, but
// still has its ID, stays empty.
func commandLine(pid int) (command []byte, err error) {
	for range 50 {
		command, err = os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || len(command) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return command, err
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
