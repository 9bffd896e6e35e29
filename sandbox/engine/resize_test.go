package engine_test

import (
	"net/http/httptest"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

// This does what `ops resize` does to node pools, without its work in Kubernetes: it creates
// a pool of another size with the same tags and deletes the first one.
func TestUpKeepsTheClusterAfterItsNodePoolWasReplacedThroughTheAPI(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	s.Up(t)
	before := clusterID(t, s)
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 400")
	replacePool(t, s, before, "s-4vcpu-8gb")

	out := s.Succeeds(t, "up", "--yes", "--refresh", "--skip-preview")
	enginetest.ReplacesOnlyJobs(t, out)
	assert.Regexp(t, `~  digitalocean:index:KubernetesCluster platform-demo updat`, out)
	assert.Equal(t, before, clusterID(t, s), "the cluster must not be replaced")
	o, _, err := cloud.At(s.CloudFolder()).Get(cloud.TokenCluster, before)
	require.NoError(t, err)
	pool := o.Inputs["nodePool"].(map[string]any)
	assert.Equal(t, "s-4vcpu-8gb", pool["size"])
	assert.Equal(t, "default", pool["name"], "the pool must be renamed in place")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func clusterID(t *testing.T, s enginetest.Stack) string {
	t.Helper()
	ids, err := cloud.At(s.CloudFolder()).IDs(cloud.TokenCluster)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	return ids[0]
}

func replacePool(t *testing.T, s enginetest.Stack, cluster, size string) {
	t.Helper()
	server := httptest.NewServer((&digitalocean.Server{Cloud: cloud.At(s.CloudFolder()), DropletLimit: 10}).Handler())
	t.Cleanup(server.Close)
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})
	client, err := godo.New(oauth2.NewClient(t.Context(), source), godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	pools, _, err := client.Kubernetes.ListNodePools(t.Context(), cluster, nil)
	require.NoError(t, err)
	require.Len(t, pools, 1)
	_, _, err = client.Kubernetes.CreateNodePool(t.Context(), cluster, &godo.KubernetesNodePoolCreateRequest{
		Name: "default-" + size, Size: size, Count: 1, Tags: []string{"platform", s.Name, "terraform:default-node-pool"},
	})
	require.NoError(t, err)
	_, err = client.Kubernetes.DeleteNodePool(t.Context(), cluster, pools[0].ID)
	require.NoError(t, err)
	for range 2 { // the second list no longer has the pool
		pools, _, err = client.Kubernetes.ListNodePools(t.Context(), cluster, nil)
		require.NoError(t, err)
	}
	require.Len(t, pools, 1)
}
