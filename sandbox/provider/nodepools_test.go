package provider

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// poolInputs returns the inputs of a cluster with one node pool.
func poolInputs(size string, count int) resource.PropertyMap {
	return resource.NewPropertyMapFromMap(map[string]any{"nodePool": map[string]any{
		"name": "default", "size": size, "nodeCount": count, "tags": []any{"platform", "demo"},
	}})
}

func poolsOf(t *testing.T, computed map[string]any) []cloud.NodePool {
	t.Helper()
	pools, err := cloud.Object{Computed: computed}.NodePools()
	require.NoError(t, err)
	return pools
}

func TestApplyNodePoolCreatesTheDefaultPoolWithItsTag(t *testing.T) {
	computed, err := applyNodePool(poolInputs("s-2vcpu-4gb", 2), nil)
	require.NoError(t, err)
	pools := poolsOf(t, computed)
	require.Len(t, pools, 1)
	assert.Equal(t, []string{"platform", "demo", defaultPoolTag}, pools[0].Tags)
	require.Len(t, pools[0].Nodes, 2)
	assert.Equal(t, []string{"default-0", "default-1"}, []string{pools[0].Nodes[0].Name, pools[0].Nodes[1].Name})
}

func TestReadNodePoolReadsThePoolWithTheDefaultTag(t *testing.T) {
	computed, err := applyNodePool(poolInputs("s-2vcpu-4gb", 1), nil)
	require.NoError(t, err)
	pools := append(poolsOf(t, computed), cloud.NodePool{
		ID: "2", Name: "default-s-4vcpu-8gb", Size: "s-4vcpu-8gb", Count: 1, Tags: []string{"k8s", "k8s:1", "platform", "demo", defaultPoolTag},
	})
	o := cloud.Object{Inputs: poolInputs("s-2vcpu-4gb", 1).Mappable(), Computed: computed}
	require.NoError(t, o.SetNodePools(pools[1:], func() string { return "node" }))
	require.NoError(t, readNodePool(&o))
	assert.Equal(t, map[string]any{
		"name": "default-s-4vcpu-8gb", "size": "s-4vcpu-8gb", "nodeCount": 1, "tags": []any{"platform", "demo"},
	}, o.Inputs["nodePool"])
}

func TestApplyNodePoolRenamesTheDefaultPoolInPlace(t *testing.T) {
	o := cloud.Object{}
	require.NoError(t, o.SetNodePools([]cloud.NodePool{
		{ID: "2", Name: "default-s-4vcpu-8gb", Size: "s-4vcpu-8gb", Count: 1, Tags: []string{defaultPoolTag}},
	}, func() string { return "node" }))
	computed, err := applyNodePool(poolInputs("s-4vcpu-8gb", 2), o.Computed)
	require.NoError(t, err)
	pools := poolsOf(t, computed)
	require.Len(t, pools, 1)
	assert.Equal(t, "2", pools[0].ID)
	assert.Equal(t, "default", pools[0].Name)
	assert.Equal(t, "default-s-4vcpu-8gb-0", pools[0].Nodes[0].Name, "a node keeps its name")
	assert.Len(t, pools[0].Nodes, 2)
}

func TestApplyNodePoolRefusesANameOfAnotherPool(t *testing.T) {
	o := cloud.Object{}
	require.NoError(t, o.SetNodePools([]cloud.NodePool{
		{ID: "1", Name: "default", Size: "s-2vcpu-4gb", Count: 1},
		{ID: "2", Name: "default-s-4vcpu-8gb", Size: "s-4vcpu-8gb", Count: 1, Tags: []string{defaultPoolTag}},
	}, func() string { return "node" }))
	_, err := applyNodePool(poolInputs("s-4vcpu-8gb", 1), o.Computed)
	assert.ErrorContains(t, err, `422: the cluster has two node pools with the name "default"`)
}

func TestImportIDsBecomeTheIDsOfTheState(t *testing.T) {
	for id, want := range map[string]string{"c,app": "c/database/app", "c/database/app": "c/database/app"} {
		assert.Equal(t, want, stateID("database")(id))
	}
	firewall := (&digitalOcean{}).firewallKind().importID
	assert.Equal(t, "c-firewall", firewall("c"))
	assert.Equal(t, "c-firewall", firewall("c-firewall"))
}
