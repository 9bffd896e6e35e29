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

	"github.com/genericcorp/platform/sandbox/cloud"
)

// KubernetesVersion is the control plane's, as sandbox/cluster/go.mod pins it.
const KubernetesVersion = "1.36.1"

// controlPlane are the programs of a real cluster, by their package.
var controlPlane = []struct{ name, from string }{
	{"etcd", "go.etcd.io/etcd/server/v3"}, {"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"}, {"kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"},
}

// BuildCluster builds a real control plane once for all checkouts, and the
// command that runs it and plays its nodes.
func BuildCluster(root string, progress io.Writer) (ClusterTools, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ClusterTools{}, err
	}
	tools := ClusterTools{
		Bin:     filepath.Join(cache, "platform-sandbox", "kubernetes-"+KubernetesVersion),
		Command: filepath.Join(root, ".sandbox", "bin", "cluster"),
	}
	b := builder{root: root, progress: progress}
	for _, program := range controlPlane {
		b.once(filepath.Join(tools.Bin, program.name), "sandbox/cluster", program.name+" (about eight minutes for all of Kubernetes, once)", program.from)
	}
	b.goBuild(filepath.Join(root, "sandbox", "cluster"), tools.Command, "the cluster's player (the first time a minute)", ".")
	return tools, b.err
}

// ClusterTools are the programs of a real cluster.
type ClusterTools struct {
	// Bin has the control plane, Command runs it.
	Bin, Command string
}

// clusterFolder is where the stack's cluster keeps its files.
func (s Stack) clusterFolder() string { return filepath.Join(s.Folder, "cluster") }

// Kubeconfig opens the stack's real cluster.
func (s Stack) Kubeconfig() string { return filepath.Join(s.clusterFolder(), "kubeconfig") }

// OnCluster is the stack with its Kubernetes provider on the real cluster.
func (s Stack) OnCluster(tools ClusterTools) Stack {
	s.Env = append(append([]string{}, s.Env...),
		cloud.EnvKubeconfig+"="+s.Kubeconfig(), cloud.EnvRender+"="+tools.Command+" render")
	return s
}

// StartCluster starts the stack's cluster unless it runs. It ends with StopCluster,
// or when the process with an id ends; it does not look after anyone when that is
// zero.
func (s Stack) StartCluster(tools ClusterTools, with int, progress io.Writer) error {
	if _, err := s.clusterProcess(); err == nil {
		return nil
	}
	// The state of a cluster that ended with its machine is of no use.
	if err := os.RemoveAll(s.clusterFolder()); err != nil {
		return err
	}
	if err := os.MkdirAll(s.clusterFolder(), 0o700); err != nil {
		return err
	}
	fmt.Fprintln(progress, "starting the cluster (about 15 seconds) ...")
	log, err := os.Create(filepath.Join(s.clusterFolder(), "cluster.log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has its own
	cmd := exec.Command(tools.Command, "serve", "-bin", tools.Bin, "-folder", s.clusterFolder(), "-cloud", s.CloudFolder(), "-with", strconv.Itoa(with))
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
		if _, err := os.Stat(filepath.Join(s.clusterFolder(), "ready")); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the cluster did not start (%w); its log is %s", err, log.Name())
		default:
		}
		if time.Since(started) > 2*time.Minute {
			return errors.Join(fmt.Errorf("the cluster is not ready after two minutes; its log is %s", log.Name()), s.StopCluster())
		}
	}
}

func (s Stack) pidFile() string { return filepath.Join(s.clusterFolder(), "pid") }

// clusterProcess is the one that runs.
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
	return process, process.Signal(syscall.Signal(0))
}

// StopCluster ends the cluster and everything in it; one that does not run has
// ended already.
func (s Stack) StopCluster() error {
	process, err := s.clusterProcess()
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrProcessDone) {
		return os.RemoveAll(s.clusterFolder())
	}
	if err != nil {
		return err
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	for range 100 {
		if process.Signal(syscall.Signal(0)) != nil {
			return os.RemoveAll(s.clusterFolder())
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.Join(process.Kill(), os.RemoveAll(s.clusterFolder()))
}
