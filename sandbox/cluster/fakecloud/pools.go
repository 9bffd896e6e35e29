package fakecloud

import (
	"errors"
	"fmt"
	"net"

	"github.com/genericcorp/platform/sandbox/cloud"
)

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

// Ranges returns the address ranges of the cluster in a simulated cloud: of its private network
// and of its Pods.
func Ranges(folder string) (network, pods *net.IPNet, err error) {
	c := cloud.At(folder)
	ids, err := c.IDs(cloud.TokenCluster)
	if err != nil {
		return nil, nil, err
	}
	if len(ids) == 0 {
		return nil, nil, errors.New("the cloud has no cluster")
	}
	cluster, _, err := c.Get(cloud.TokenCluster, ids[0])
	if err != nil {
		return nil, nil, err
	}
	own, _, err := c.Get(cloud.TokenVPC, fmt.Sprint(cluster.Inputs["vpcUuid"]))
	if err != nil {
		return nil, nil, err
	}
	if _, network, err = net.ParseCIDR(fmt.Sprint(own.Inputs["ipRange"])); err != nil {
		return nil, nil, fmt.Errorf("the private network: %w", err)
	}
	_, pods, err = net.ParseCIDR(fmt.Sprint(cluster.Inputs["clusterSubnet"]))
	return network, pods, err
}
