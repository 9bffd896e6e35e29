package node

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/sys/unix"

	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// Files of a node's programs.
const (
	containerdFile = "containerd.toml"
	kubeletFile    = "kubelet.yaml"
	proxyFile      = "kube-proxy.yaml"
)

// PauseImage is the image of the container that keeps a Pod's namespaces.
const PauseImage = "docker.io/sandbox/pause:1"

// files are templates of a Config. The limits that keep a small disk free are off: the disk
// is this machine's.
var files = map[string]string{
	containerdFile: `version = 3
root = "{{.Path "containerd"}}"
state = "{{.Path "state"}}"
[grpc]
  address = "{{.Socket}}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "` + PauseImage + `"
[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "{{.Path "registries"}}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["{{.Bin}}"]
  conf_dir = "{{.Path "cni"}}"
`,
	// The kubelet may see a Pod before its image has the Pod's name. Without this, it would wait for a
	// registry that it cannot reach, one image after the other. _default is for all registries
	// (docs/hosts.md of containerd).
	"registries/_default/hosts.toml": `server = "http://127.0.0.1:1"
`,
	"cni/pods.conflist": `{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {
  "type": "host-local", "dataDir": "{{.Path "addresses"}}", "ranges": [[{"subnet": "{{.Pods}}"}]], "routes": [{"dst": "0.0.0.0/0"}]
}}]}
`,
	kubeletFile: `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failSwapOn: false
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: {{.CGroup}}
clusterDNS: [{{.DNS}}]
clusterDomain: cluster.local
resolvConf: ""
containerRuntimeEndpoint: unix://{{.Socket}}
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: {{.Authority}}}}
authorization: {mode: Webhook}
systemReserved: {memory: {{.ReservedMiB}}Mi, cpu: {{.ReservedMilliCPU}}m}
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
podLogsDir: {{.Path "logs"}}
`,
	proxyFile: `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clusterCIDR: {{.ClusterPods}}
clientConnection: {kubeconfig: {{.Kubeconfig}}}
conntrack: {maxPerCore: 0, min: 0}
`,
}

// DNS, Path, Socket, ReservedMiB and ReservedMilliCPU are for the templates.

// DNS returns the address of the cluster's DNS server.
func (c Config) DNS() string { return vpc.Cloud.String() }

// Path returns the path of a file of the node in its own view.
func (c Config) Path(name string) string { return filepath.Join(root, name) }

// Socket returns the path of containerd's socket in the node's own view.
func (c Config) Socket() string { return c.Path("containerd.sock") }

// ReservedMiB returns the memory of this machine that Pods cannot request. The kubelet
// subtracts it from the machine's memory.
func (c Config) ReservedMiB() (int, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, err
	}
	total := int(info.Totalram * uint64(info.Unit) >> 20)
	if total < c.AllocatableMiB {
		return 0, fmt.Errorf("this machine has %d MiB of memory, and the node needs %d", total, c.AllocatableMiB)
	}
	return total - c.AllocatableMiB, nil
}

// ReservedMilliCPU returns the CPU of this machine that Pods cannot request.
func (c Config) ReservedMilliCPU() (int, error) {
	total := 1000 * runtime.NumCPU()
	if total < c.AllocatableMilliCPU {
		return 0, fmt.Errorf("this machine has %d CPUs, and the node needs %d millicpu", runtime.NumCPU(), c.AllocatableMilliCPU)
	}
	return total - c.AllocatableMilliCPU, nil
}

func (c Config) writeFiles() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		errs = append(errs, c.writeFile(name))
	}
	return errors.Join(errs...)
}

func (c Config) writeFile(name string) error {
	path := c.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = template.Must(template.New(name).Parse(files[name])).Execute(file, c)
	return errors.Join(err, file.Close())
}

func (c Config) labels() string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(c.Labels)) {
		out = append(out, key+"="+c.Labels[key])
	}
	return strings.Join(out, ",")
}
