// Package node runs a Kubernetes node on this machine: the real kubelet, containerd, runc and
// kube-proxy, in Linux namespaces of their own, with the node's memory and CPU as a limit for
// all of it. It needs root.
package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/genericcorp/platform/sandbox/cluster/vpc"
	"github.com/genericcorp/platform/sandbox/machine"
)

// Config describes a node.
type Config struct {
	Name string
	// Folder is where the node writes its files. Bin has the programs, and Images the images
	// that the node can run, as files of docker save.
	Folder, Bin, Images string
	// Unseen is a folder of this machine that no container may see, whatever its Pod mounts.
	Unseen string
	// Kubeconfig has the rights with which the kubelet and kube-proxy work. Authority is the
	// certificate with which the kubelet knows kube-apiserver.
	Kubeconfig, Authority string
	// Labels are those of the Node object.
	Labels map[string]string
	// Address is the node's address in the private network, and Gateway that network's gateway. Pods is the range of the node's Pods, ClusterPods of all Pods.
	Address           *net.IPNet
	Gateway           net.IP
	Pods, ClusterPods *net.IPNet
	// MiB and MilliCPU are what the node has in all. Allocatable is the part for Pods.
	MiB, MilliCPU                       int
	AllocatableMiB, AllocatableMilliCPU int
	// CGroup is the path of the node's control group below the root of each hierarchy.
	CGroup string
}

// Node is a running node.
type Node struct {
	config  Config
	process *exec.Cmd
	ended   chan struct{}
}

// Start starts a node on a network. It returns when the node's first process runs; the Node
// object becomes ready some seconds later. The kernel kills the node when this process ends.
func Start(network *vpc.Network, config Config) (*Node, error) {
	if err := os.MkdirAll(config.Folder, 0o711); err != nil {
		return nil, err
	}
	data, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(config.Folder, configFile)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, err
	}
	if err := limit(config); err != nil {
		return nil, err
	}
	n := &Node{config: config, ended: make(chan struct{})}
	if n.process, err = n.start(path); err != nil {
		return nil, err
	}
	go func() {
		_ = n.process.Wait() // it is killed
		close(n.ended)
	}()
	pid := n.process.Process.Pid
	if err := os.WriteFile(filepath.Join(config.Folder, "pid"), []byte(strconv.Itoa(pid)), 0o600); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	if err := network.Attach(pid, linkName, config.Address.IP, config.Pods); err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return n, nil
}

// configFile is the name of the file with the Config in Config.Folder.
const configFile = "node.json"

// linkName is the name of the node's network interface.
const linkName = "eth0"

func (n *Node) start(path string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(n.config.Folder, "node.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child process has its own file descriptor
	cmd := exec.Command(program, "node", path)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	return cmd, cmd.Start()
}

// Name returns the node's name.
func (n *Node) Name() string { return n.config.Name }

// Address returns the node's IP address.
func (n *Node) Address() net.IP { return n.config.Address.IP }

// Ended returns a channel that is closed when the node's first process has ended.
func (n *Node) Ended() <-chan struct{} { return n.ended }

// Stop kills everything that runs on the node, and deletes its files and control groups.
func (n *Node) Stop() error {
	if err := n.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-n.ended
	return Clean(n.config.Folder, n.config.CGroup)
}

// Clean deletes what a node that no longer runs has left.
func Clean(folder, group string) error {
	return errors.Join(machine.RemoveGroup(group), os.RemoveAll(folder))
}

// Tag makes an image of Images known under another name, such as the one in a Pod.
func (n *Node) Tag(image, name string) error {
	out, err := n.ctr("images", "tag", "--force", image, name)
	if err != nil {
		return fmt.Errorf("%s: tag %s: %w: %s", n.config.Name, name, err, out)
	}
	return nil
}

// Ready reports whether containerd runs and has imported all images.
func (n *Node) Ready() bool {
	_, err := os.Stat(filepath.Join(n.config.Folder, importedFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// ctr runs containerd's client. The path of a socket has at most 107 bytes, so it uses that of
// the node's own view.
func (n *Node) ctr(args ...string) ([]byte, error) {
	return n.config.ctr(fmt.Sprintf("/proc/%d/root%s", n.process.Process.Pid, n.config.Socket()), args...)
}

func (c Config) ctr(socket string, args ...string) ([]byte, error) {
	return exec.Command(filepath.Join(c.Bin, "ctr"), append([]string{"--address", socket, "--namespace", "k8s.io"}, args...)...).CombinedOutput()
}
