package build

import (
	"io"
	"os"
	"path/filepath"
)

// KubernetesVersion is the control plane's, as sandbox/cluster/go.mod pins it.
const KubernetesVersion = "1.36.1"

// controlPlane are the programs of a real cluster, by their package.
var controlPlane = []struct{ name, from string }{
	{"etcd", "go.etcd.io/etcd/server/v3"}, {"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"}, {"kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"},
}

// Cluster builds a real control plane once for all checkouts, and the
// command that runs it with simulated nodes.
func Cluster(root string, progress io.Writer) (ClusterTools, error) {
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
	b.goBuild(filepath.Join(root, "sandbox", "cluster"), tools.Command, "the cluster command (the first time a minute)", ".")
	return tools, b.err
}

// ClusterTools are the programs of a real cluster.
type ClusterTools struct {
	// Bin has the control plane, Command runs it.
	Bin, Command string
}
