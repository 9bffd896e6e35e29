package fakecloud

import "github.com/genericcorp/platform/sandbox/cloud"

// Ordered returns the node pools of the one cluster in a simulated cloud; none before
// it is made.
func Ordered(folder string) ([]cloud.NodePool, error) {
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
