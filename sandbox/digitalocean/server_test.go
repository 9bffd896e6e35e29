package digitalocean_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
)

// newAccount returns an account with one cluster "c" that has one node, and a client of
// its API. The account's Droplet limit is 3.
func newAccount(t *testing.T) (*godo.Client, cloud.Cloud) {
	t.Helper()
	c := cloud.At(t.TempDir())
	o := cloud.Object{Inputs: map[string]any{"name": "platform-demo"}, Computed: map[string]any{"status": "running"}}
	pool := cloud.NodePool{ID: "old", Name: "default", Size: "s-2vcpu-4gb", Count: 1, Tags: []string{"platform"}}
	require.NoError(t, o.SetNodePools([]cloud.NodePool{pool}, func() string { return "n" }))
	require.NoError(t, c.Put(cloud.TokenCluster, "c", o))
	server := httptest.NewServer((&digitalocean.Server{Cloud: c, DropletLimit: 3}).Handler())
	t.Cleanup(server.Close)
	client, err := godo.New(&http.Client{Transport: bearer{}}, godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	return client, c
}

// bearer adds a bearer token to requests.
type bearer struct{}

func (bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer token")
	return http.DefaultTransport.RoundTrip(r)
}

func TestNodePoolsAreProvisionedAndDeletedAfterTheAnswer(t *testing.T) {
	client, _ := newAccount(t)
	created, _, err := client.Kubernetes.CreateNodePool(t.Context(), "c", &godo.KubernetesNodePoolCreateRequest{
		Name: "new", Size: "s-4vcpu-8gb", Count: 2, Tags: []string{"platform"},
	})
	require.NoError(t, err)
	assert.Equal(t, "provisioning", created.Nodes[0].Status.State)
	assert.Contains(t, created.Tags, "k8s:c")
	_, _, err = client.Kubernetes.GetNodePool(t.Context(), "c", created.ID)
	require.NoError(t, err)
	later, _, err := client.Kubernetes.GetNodePool(t.Context(), "c", created.ID)
	require.NoError(t, err)
	assert.Equal(t, "running", later.Nodes[0].Status.State)

	_, err = client.Kubernetes.DeleteNodePool(t.Context(), "c", "old")
	require.NoError(t, err)
	pools, _, err := client.Kubernetes.ListNodePools(t.Context(), "c", nil)
	require.NoError(t, err)
	require.Len(t, pools, 2, "the API answers before the nodes are deleted")
	assert.Equal(t, "deleting", pools[0].Nodes[0].Status.State)
	pools, _, err = client.Kubernetes.ListNodePools(t.Context(), "c", nil)
	require.NoError(t, err)
	assert.Len(t, pools, 1)
}

func TestRefusedRequestsHaveTheStatusOfTheAPI(t *testing.T) {
	client, _ := newAccount(t)
	create := func(name, size string, count int) int {
		_, response, err := client.Kubernetes.CreateNodePool(t.Context(), "c", &godo.KubernetesNodePoolCreateRequest{Name: name, Size: size, Count: count})
		require.Error(t, err)
		return response.StatusCode
	}
	assert.Equal(t, http.StatusUnprocessableEntity, create("default", "s-2vcpu-4gb", 1), "the name is taken")
	assert.Equal(t, http.StatusUnprocessableEntity, create("new", "huge", 1), "the size does not exist")
	assert.Equal(t, http.StatusUnprocessableEntity, create("new", "s-2vcpu-4gb", 3), "the Droplet limit is 3")
	_, response, err := client.Kubernetes.Get(t.Context(), "nosuch")
	require.Error(t, err)
	assert.Equal(t, http.StatusNotFound, response.StatusCode)
	_, response, err = client.Kubernetes.UpdateNodePool(t.Context(), "c", "old", &godo.KubernetesNodePoolUpdateRequest{Tags: []string{"x"}})
	require.Error(t, err, "name and count are required")
	assert.Equal(t, http.StatusUnprocessableEntity, response.StatusCode)
	anonymous, err := http.Get(client.BaseURL.String() + "v2/vpcs")
	require.NoError(t, err)
	require.NoError(t, anonymous.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, anonymous.StatusCode)
}

func TestDatabaseListsHaveOnlyTheObjectsOfTheirCluster(t *testing.T) {
	client, c := newAccount(t)
	for token, objects := range map[string]map[string]map[string]any{
		"digitalocean:index/vpc:Vpc":                           {"v": {"name": "platform-demo", "region": "fra1"}},
		"digitalocean:index/databaseCluster:DatabaseCluster":   {"d": {"name": "platform-demo"}, "other": {"name": "other"}},
		"digitalocean:index/databaseDb:DatabaseDb":             {"d/database/app": {"clusterId": "d", "name": "app"}},
		"digitalocean:index/databaseUser:DatabaseUser":         {"other/user/app": {"clusterId": "other", "name": "app"}},
		"digitalocean:index/databaseFirewall:DatabaseFirewall": {"d-firewall": {"clusterId": "d", "rules": []any{map[string]any{"type": "k8s", "value": "c"}}}},
	} {
		for id, inputs := range objects {
			require.NoError(t, c.Put(token, id, cloud.Object{Inputs: inputs}))
		}
	}
	vpcs, _, err := client.VPCs.List(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, vpcs, 1)
	databases, _, err := client.Databases.List(t.Context(), nil)
	require.NoError(t, err)
	assert.Len(t, databases, 2)
	dbs, _, err := client.Databases.ListDBs(t.Context(), "d", nil)
	require.NoError(t, err)
	assert.Equal(t, []godo.DatabaseDB{{Name: "defaultdb"}, {Name: "app"}}, dbs)
	users, _, err := client.Databases.ListUsers(t.Context(), "d", nil)
	require.NoError(t, err)
	assert.Len(t, users, 1, "the user app belongs to the other cluster")
	rules, _, err := client.Databases.GetFirewallRules(t.Context(), "d")
	require.NoError(t, err)
	require.Len(t, rules, 1)
	assert.Equal(t, "k8s", rules[0].Type)
}
