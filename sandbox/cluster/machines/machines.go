// Package machines runs the nodes of a simulated cloud as real nodes on this machine.
package machines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/cluster/fakecloud"
	"github.com/genericcorp/platform/sandbox/cluster/images"
	"github.com/genericcorp/platform/sandbox/cluster/node"
	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// Machines implements fakecloud.Machines. All fields are required.
type Machines struct {
	Network *vpc.Network
	// Folder is where the nodes and volumes are. Bin has the nodes' programs, and Images the
	// files of Known.
	Folder, Bin, Images string
	Known               []images.Image
	// Kubeconfig has the rights of an administrator, at an address in Network.
	// Authority is the certificate with which kubelets know kube-apiserver.
	Kubeconfig, Authority string
	// Unseen is the folder of the database, which runs as a user that containers have too.
	Unseen string
	// Ranges returns the address ranges of the stack: of its private network and of Pods.
	Ranges func() (network, pods *net.IPNet, err error)
	// CGroup is the control group above those of the nodes.
	CGroup string

	mu       sync.Mutex
	nodes    map[string]*node.Node
	provided map[string]bool
	// numbers are those of the nodes' addresses, by name. A node that starts anew keeps its own:
	// kube-proxy reads the address in the Node object before the kubelet can change it.
	numbers map[string]int
}

// readyTimeout is how long a node may take to import its images.
const readyTimeout = 3 * time.Minute

// Run starts the node with a name, unless it runs. A node that has ended starts anew, as when the
// cloud replaces a Droplet.
func (m *Machines) Run(ctx context.Context, name string, pool cloud.NodePool) error {
	if running := m.node(name); running != nil {
		select {
		case <-running.Ended():
			text, err := os.ReadFile(filepath.Join(m.folder(name), "node.log"))
			fmt.Fprintf(os.Stderr, "the node %s has ended and starts anew: %s\n", name, text)
			if err := errors.Join(err, m.Stop(name)); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	config, err := m.config(name, pool)
	if err != nil {
		return err
	}
	started, err := node.Start(m.Network, config)
	if err != nil {
		return fmt.Errorf("node %s: %w", name, err)
	}
	for deadline := time.Now().Add(readyTimeout); !started.Ready(); time.Sleep(100 * time.Millisecond) {
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), started.Stop())
		case <-started.Ended():
			text, err := os.ReadFile(filepath.Join(config.Folder, "node.log"))
			return fmt.Errorf("node %s: %s: %w", name, text, errors.Join(err, errors.New("it has ended")))
		default:
		}
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("the node %s has not imported its images after %s", name, readyTimeout), started.Stop())
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.nodes == nil {
		m.nodes = map[string]*node.Node{}
	}
	m.nodes[name] = started
	m.provided = map[string]bool{} // a new node knows none of them
	return nil
}

func (m *Machines) node(name string) *node.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes[name]
}

func (m *Machines) folder(name string) string { return filepath.Join(m.Folder, "nodes", name) }

// config returns what a node of a pool is like. Each new node gets the next address, and the next
// 256 addresses for its Pods.
func (m *Machines) config(name string, pool cloud.NodePool) (node.Config, error) {
	size, err := catalog.NodeBySize(pool.Size)
	if err != nil {
		return node.Config{}, err
	}
	network, pods, err := m.Ranges()
	if err != nil {
		return node.Config{}, err
	}
	if err := m.Network.SetRange(network); err != nil {
		return node.Config{}, err
	}
	if m.numbers == nil {
		m.numbers = map[string]int{}
	}
	if m.numbers[name] == 0 {
		m.numbers[name] = len(m.numbers) + 1
	}
	number := m.numbers[name]
	return node.Config{
		Name: name, Folder: m.folder(name), Bin: m.Bin, Images: m.Images, Unseen: m.Unseen, Kubeconfig: m.Kubeconfig, Authority: m.Authority, Labels: fakecloud.PoolLabels(pool),
		Address: &net.IPNet{IP: vpc.Host(network, number+1), Mask: network.Mask}, Gateway: m.Network.Gateway(),
		Pods: &net.IPNet{IP: vpc.Host(pods, 256*number), Mask: net.CIDRMask(24, 32)}, ClusterPods: pods,
		MiB: size.MemoryMiB, MilliCPU: 1000 * size.VCPU, AllocatableMiB: size.AllocatableMiB, AllocatableMilliCPU: size.AllocatableMilli,
		CGroup: m.CGroup + "/" + name,
	}, nil
}

// Stop stops a node with all its containers.
func (m *Machines) Stop(name string) error {
	running := m.node(name)
	if running == nil {
		return nil
	}
	m.mu.Lock()
	delete(m.nodes, name)
	m.mu.Unlock()
	return running.Stop()
}

// StopAll stops all nodes, and deletes what they and earlier ones have left.
func (m *Machines) StopAll() error {
	var errs []error
	for _, running := range m.running() {
		errs = append(errs, m.Stop(running.Name()))
	}
	return errors.Join(append(errs, node.Clean(filepath.Join(m.Folder, "nodes"), m.CGroup))...)
}

func (m *Machines) running() []*node.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*node.Node
	for _, n := range m.nodes {
		out = append(out, n)
	}
	return out
}

// Addresses returns the IP addresses of the running nodes.
func (m *Machines) Addresses() []net.IP {
	var out []net.IP
	for _, n := range m.running() {
		out = append(out, n.Address())
	}
	return out
}

// Provide makes the images of Pods known to all nodes, before a kubelet needs them.
func (m *Machines) Provide(pods []corev1.Pod) error {
	for _, pod := range pods {
		for _, container := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			if err := m.provide(container.Image); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *Machines) provide(image string) error {
	if m.provided[image] {
		return nil
	}
	for _, n := range m.running() {
		if err := n.Tag(images.Local(images.ForPod(image, m.Known)), images.Stored(image)); err != nil {
			return err
		}
		m.provided[image] = true
	}
	return nil
}

// VolumeFolder returns the folder with the content of a claim's volume. Every user can write
// to it, because the kubelet does not change the owner of a folder of the machine.
func (m *Machines) VolumeFolder(claim *corev1.PersistentVolumeClaim) (string, error) {
	folder := filepath.Join(m.Folder, "volumes", string(claim.UID))
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, 0o777) //nolint:gosec // see above
}
