package build

import (
	"io"
	"os"
	"path"
	"path/filepath"
)

// NodeTools are the paths of what real nodes need.
type NodeTools struct {
	// Bin is the folder of the kubelet, containerd and the other programs of a node. Programs
	// is the folder of the programs in container images, with the names of the images.
	Bin, Programs string
}

// ofNodes are the programs of a node with their Go packages, and the modules of the checkout
// that pin them.
var ofNodes = []struct{ module, from string }{
	{"sandbox/cluster", "k8s.io/kubernetes/cmd/kubelet"}, {"sandbox/cluster", "k8s.io/kubernetes/cmd/kube-proxy"},
	{"tools/node", "github.com/containerd/containerd/v2/cmd/containerd"},
	{"tools/node", "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"},
	{"tools/node", "github.com/containerd/containerd/v2/cmd/ctr"},
	{"tools/node", "github.com/containernetworking/plugins/plugins/main/ptp"},
	{"tools/node", "github.com/containernetworking/plugins/plugins/main/loopback"},
	{"tools/node", "github.com/containernetworking/plugins/plugins/ipam/host-local"},
	{"tools/coredns", "github.com/genericcorp/platform/tools/coredns"},
}

// NodeVersion names the versions of a node's programs that are not Kubernetes': containerd, the
// network plugins and CoreDNS, as in tools/node/go.mod and tools/coredns/go.mod.
const NodeVersion = "2.2.0-1.9.0-1.13.1"

// Nodes builds what real nodes need, and the images of Images and AgentHQ. The first build of
// the node's programs takes about five minutes on two cores.
func Nodes(root string, progress io.Writer) (NodeTools, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return NodeTools{}, err
	}
	tools := NodeTools{Bin: filepath.Join(cache, "platform-sandbox", "node-"+KubernetesVersion+"-"+NodeVersion)}
	b := builder{root: root, progress: progress}
	for _, program := range ofNodes {
		name := path.Base(program.from)
		b.once(filepath.Join(tools.Bin, name), program.module, name+" (the programs of a node take about five minutes together, the first time only)",
			"-ldflags=-s", "-tags=no_btrfs,no_devmapper,no_zfs", program.from)
	}
	if b.err != nil {
		return tools, b.err
	}
	if tools.Programs, err = Images(root, progress); err != nil {
		return tools, err
	}
	b.goBuild(filepath.Join(root, "showcase"), filepath.Join(tools.Programs, "agenthq"), "AgentHQ", "-ldflags=-s", "./cmd/agenthq")
	b.goBuild(filepath.Join(root, "sandbox", "cluster"), filepath.Join(tools.Programs, "standin"), "the stand-in", "-ldflags=-s", "./standin")
	return tools, b.err
}
