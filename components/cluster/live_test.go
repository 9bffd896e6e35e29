package cluster

import (
	"errors"
	"testing"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answers has the results of the provider's data sources by token: an error or properties.
type answers map[string]any

func (a answers) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, nil
}

func (a answers) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if err, ok := a[args.Token].(error); ok {
		return nil, err
	}
	return resource.NewPropertyMapFromMap(a[args.Token].(map[string]any)), nil
}

func lookup(t *testing.T, a answers) (live *Live, err error) {
	t.Helper()
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		live, err = Lookup(ctx, "platform-demo")
		return nil
	}, pulumi.WithMocks("platform", "demo", a)))
	return live, err
}

const clusterToken, vpcToken = "digitalocean:index/getKubernetesCluster:getKubernetesCluster", "digitalocean:index/getVpc:getVpc"

func TestLookupReturnsNilWithoutAClusterAndAnyOtherError(t *testing.T) {
	for _, text := range []string{"No clusters found", "Unable to find cluster with name: platform-demo"} {
		live, err := lookup(t, answers{clusterToken: errors.New(text)})
		require.NoError(t, err, text)
		assert.Nil(t, live, text)
	}
	_, err := lookup(t, answers{clusterToken: errors.New("503")})
	require.ErrorContains(t, err, "look up the running cluster: ")
}

func TestLookupLeavesVPCRangeEmptyForANetworkWithAnotherName(t *testing.T) {
	live, err := lookup(t, answers{
		clusterToken: map[string]any{"region": "fra1", "nodePools": []any{}},
		vpcToken:     errors.New("Error retrieving VPC: no VPCs found with name platform-demo"),
	})
	require.NoError(t, err)
	assert.Equal(t, "fra1", live.Region)
	assert.Empty(t, live.VPCRange)
}

func TestPoolsTakesTheLastTaggedPoolAsDefault(t *testing.T) {
	size, others := pools([]digitalocean.GetKubernetesClusterNodePool{
		{Name: "default", Size: "s-2vcpu-4gb", NodeCount: 2, Tags: []string{defaultPoolTag}},
		{Name: "default-s-4vcpu-8gb", Size: "s-4vcpu-8gb", NodeCount: 1, Tags: []string{defaultPoolTag}},
	})
	assert.Equal(t, "s-4vcpu-8gb", size)
	assert.Equal(t, []Pool{{"default", "s-2vcpu-4gb", 2}}, others)
}
