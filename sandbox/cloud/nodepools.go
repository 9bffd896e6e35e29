package cloud

import (
	"encoding/json"
	"fmt"
	"slices"
)

// TokenCluster is the type of a DigitalOcean Kubernetes cluster.
const TokenCluster = "digitalocean:index/kubernetesCluster:KubernetesCluster"

// TokenVPC is the type of a DigitalOcean private network.
const TokenVPC = "digitalocean:index/vpc:Vpc"

// poolsKey is the key of a cluster's node pools in Object.Computed.
const poolsKey = "nodePools"

// NodePool is a node pool of a simulated cluster. The simulated API returns it, and
// sandbox/cluster/fakecloud creates its nodes.
type NodePool struct {
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Size   string            `json:"size"`
	Count  int               `json:"count"`
	Tags   []string          `json:"tags,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	Nodes  []Node            `json:"nodes,omitempty"`
}

// Node is a node of a pool. Its name is also the name of the Kubernetes node.
type Node struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	State string `json:"state"`
}

// States of a node, as in kubernetes/models/node.yml of digitalocean/openapi.
const (
	NodeProvisioning = "provisioning"
	NodeRunning      = "running"
	NodeDeleting     = "deleting"
)

// NodePools returns the node pools of a cluster, oldest first.
func (o Object) NodePools() ([]NodePool, error) {
	data, err := json.Marshal(o.Computed[poolsKey])
	if err != nil {
		return nil, err
	}
	var pools []NodePool
	if err := json.Unmarshal(data, &pools); err != nil {
		return nil, fmt.Errorf("computed.%s: %w", poolsKey, err)
	}
	return pools, nil
}

// SetNodePools replaces the node pools of a cluster. It adds or removes nodes of each pool
// until the pool has Count of them. newID returns the ID for a new node.
func (o *Object) SetNodePools(pools []NodePool, newID func() string) error {
	taken := map[string]bool{}
	for _, pool := range pools {
		for _, node := range pool.Nodes {
			taken[node.Name] = true
		}
	}
	for i := range pools {
		pool := &pools[i]
		pool.Nodes = pool.Nodes[:min(len(pool.Nodes), pool.Count)]
		for n := 0; len(pool.Nodes) < pool.Count; n++ {
			name := fmt.Sprintf("%s-%d", pool.Name, n)
			if !taken[name] {
				taken[name] = true
				pool.Nodes = append(pool.Nodes, Node{ID: newID(), Name: name, State: NodeProvisioning})
			}
		}
	}
	// Converted to plain JSON values, so that the object is equal before and after a Put.
	data, err := json.Marshal(pools)
	if err != nil {
		return err
	}
	var plain []any
	if err := json.Unmarshal(data, &plain); err != nil {
		return err
	}
	if o.Computed == nil {
		o.Computed = map[string]any{}
	}
	o.Computed[poolsKey] = plain
	return nil
}

// HasTag reports whether a pool has a tag.
func (p NodePool) HasTag(tag string) bool { return slices.Contains(p.Tags, tag) }
