package build

import (
	"io"
	"os"
	"path/filepath"
)

// KubernetesVersion is the version of the control plane, equal to the one in
// sandbox/cluster/go.mod.
const KubernetesVersion = "1.36.1"

// firstBuild is the time of all builds of Cluster together. README and decision 0011 repeat it.
const firstBuild = "etcd, Kubernetes and the cluster command take about 10 minutes together, the first time only"

// controlPlane are the programs of a Kubernetes control plane with their Go packages.
var controlPlane = []struct{ name, from string }{
	{"etcd", "go.etcd.io/etcd/server/v3"}, {"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"}, {"kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"},
}

// Cluster builds a real control plane, and the command that runs it with fake nodes. The
// first build takes about 10 minutes on two cores (measured on 2026-11-30, on a busy machine).
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
		b.once(filepath.Join(tools.Bin, program.name), "sandbox/cluster", program.name+" ("+firstBuild+")", program.from)
	}
	b.goBuild(filepath.Join(root, "sandbox", "cluster"), tools.Command, "the cluster command ("+firstBuild+")", ".")
	return tools, b.err
}

// ClusterTools are the paths of the programs of a real control plane.
type ClusterTools struct {
	// Bin is the folder of etcd and the programs of Kubernetes. Command is the program
	// sandbox/cluster, which runs them.
	Bin, Command string
}
