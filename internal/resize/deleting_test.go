package resize_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/resize"
)

// accountWithPoolBeingDeleted returns the client of an account whose old pool is being
// deleted. The API lists such a pool for minutes, with nodes that are Ready.
func accountWithPoolBeingDeleted(t *testing.T, oldName string) *godo.Client {
	t.Helper()
	pool := func(id, name, size, state, tags string) string {
		return fmt.Sprintf(`{"id":%q,"name":%q,"size":%q,"count":1,"tags":[%[5]s],"nodes":[{"id":"n","name":"%[2]s-0","status":{"state":%[4]q}}]}`, id, name, size, state, tags)
	}
	pools := `[` + pool("old", oldName, "s-2vcpu-4gb", "deleting", `"terraform:default-node-pool"`) + `,` +
		pool("new", "default-s-4vcpu-8gb", "s-4vcpu-8gb", "running", `"terraform:default-node-pool"`) + `]`
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/kubernetes/clusters", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"kubernetes_clusters":[{"id":"c","name":"platform-prod","node_pools":%s}]}`, pools)
	})
	mux.HandleFunc("GET /v2/kubernetes/clusters/c/node_pools", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"node_pools":%s}`, pools)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"forbidden"}`, http.StatusForbidden)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client, err := godo.New(server.Client(), godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	return client
}

// The target is the old size while the old pool is being deleted. If Look kept that pool,
// the new one would be deleted too, and no node would be left.
func TestLookDoesNotKeepAPoolThatIsBeingDeleted(t *testing.T) {
	plan, err := resize.Look(t.Context(), accountWithPoolBeingDeleted(t, "default"), resize.Target{Cluster: "platform-prod", Size: "s-2vcpu-4gb", Count: 1})
	require.NoError(t, err)
	assert.Nil(t, plan.To, "a new pool is needed")
	assert.True(t, plan.Needed())
	assert.Len(t, plan.From, 2)
}

func TestLookRefusesTheNameOfAPoolThatIsBeingDeleted(t *testing.T) {
	_, err := resize.Look(t.Context(), accountWithPoolBeingDeleted(t, "default-s-2vcpu-4gb"), resize.Target{Cluster: "platform-prod", Size: "s-2vcpu-4gb", Count: 1})
	require.ErrorContains(t, err, `the pool "default-s-2vcpu-4gb" is being deleted; run the same command again when it is gone`)
}
