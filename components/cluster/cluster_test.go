package cluster_test

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/cluster"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() cluster.Args {
	return cluster.Args{
		Region: "fra1", Version: "1.36", NodeSize: "s-2vcpu-4gb", NodeCount: 2, VPCRange: "10.10.0.0/20",
		PodRange: "10.100.0.0/16", ServiceRange: "10.101.0.0/19", MaintenanceDay: "sunday", MaintenanceHour: "03:00",
		Tags: []string{"platform"},
	}
}

const doks = "digitalocean:index/kubernetesCluster:KubernetesCluster"

func TestCluster(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"digitalocean"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := cluster.New(ctx, "test", args(), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := cluster.New(ctx, "test", cluster.Args{NodeSize: "huge"})
			return err
		},
		Faults: []string{"nodeSize:", "nodeCount:", "region:", "version:", "vpcRange:", "podRange:", "maintenanceHour:"},
		Type:   "platform:cluster:Cluster", Custom: 2,
	}.Check(t)
	c, ok := r.Find(doks, "test")
	require.True(t, ok)
	assert.Equal(t, "1.36.1-do.0", c.Inputs["version"], "the newest patch of the minor")
	assert.Equal(t, false, c.Inputs["ha"], "the default is true, and it costs extra")
	assert.Equal(t, "10.100.0.0/16", c.Inputs["clusterSubnet"])
	assert.Equal(t, "10.101.0.0/19", c.Inputs["serviceSubnet"])
	assert.Equal(t, true, c.Inputs["destroyAllAssociatedResources"])
	assert.Equal(t, true, c.Inputs["surgeUpgrade"])
	assert.Equal(t, true, c.Inputs["autoUpgrade"])
	assert.Equal(t, map[string]any{"enabled": false}, c.Inputs["corednsAutoscaler"], "the sizing does not count its Pods")
	assert.Equal(t, []string{"nodePool.size"}, c.IgnoreChanges, "an update must not replace the cluster because of its node size")
	network, ok := r.Find("digitalocean:index/vpc:Vpc", "test")
	require.True(t, ok)
	assert.Equal(t, "30m", network.DeleteTimeout, "deleted members leave a VPC some minutes later")
}

func TestErrorOfAMinorThatIsNotOfferedNamesTheOfferedVersions(t *testing.T) {
	a := args()
	a.Version = "1.20"
	err := pulumitest.Run(&pulumitest.Recorder{}, "test", nil, func(ctx *pulumi.Context) error {
		_, err := cluster.New(ctx, "test", a)
		return err
	})
	assert.ErrorContains(t, err, "offers no 1.20")
	assert.ErrorContains(t, err, "1.36.1-do.0")
}

func TestKubeconfigHasNoCredentialAndRunsDoctlForOne(t *testing.T) {
	var text string
	require.NoError(t, pulumitest.Run(&pulumitest.Recorder{}, "test", nil, func(ctx *pulumi.Context) error {
		c, err := cluster.New(ctx, "test", args())
		if err != nil {
			return err
		}
		done := make(chan struct{})
		c.Kubeconfig.ApplyT(func(config string) string { text = config; close(done); return config })
		<-done
		return nil
	}))
	assert.NotContains(t, text, "dop_v1_")
	assert.NotContains(t, text, `"token"`)
	var config map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &config))
	user := config["users"].([]any)[0].(map[string]any)["user"].(map[string]any)
	exec := user["exec"].(map[string]any)
	assert.Equal(t, "doctl", exec["command"])
	assert.Contains(t, exec["args"], "exec-credential")
}
