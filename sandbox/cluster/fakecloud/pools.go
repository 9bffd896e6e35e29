package fakecloud

import "github.com/genericcorp/platform/sandbox/cloud"

// NodePools returns the node pools of the cluster in a simulated cloud. It returns none
// before the cluster exists. A cloud has at most one cluster.
func NodePools(folder string) ([]cloud.NodePool, error) {
	c := cloud.At(folder)
	ids, err := c.IDs(cloud.TokenCluster)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	o, _, err := c.Get(cloud.TokenCluster, ids[0])
	if err != nil {
		return nil, err
	}
	return o.NodePools()
}
