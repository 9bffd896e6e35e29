package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// withAccount makes a folder with prod's stack file the working folder, and starts an account that
// answers each list with the objects of a path. A path without objects answers 403.
func withAccount(t *testing.T, lists map[string]any) {
	t.Helper()
	checkout(t, "s-2vcpu-4gb")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		if name == "clusters" {
			name = "kubernetes_clusters"
		}
		list, ok := lists[name]
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			list = "the token lacks a scope"
			name = "message"
		}
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{name: list}))
	}))
	t.Cleanup(server.Close)
	t.Setenv(envURL, server.URL)
}

// emptyAccount has other things than those of prod: a running stack demo.
func emptyAccount() map[string]any {
	return map[string]any{
		"vpcs": []godo.VPC{{ID: "net-demo", Name: "platform-demo"}},
		"kubernetes_clusters": []godo.KubernetesCluster{{ID: "demo", Name: "platform-demo", VPCUUID: "net-demo", NodePools: []*godo.KubernetesNodePool{
			{Size: "s-2vcpu-4gb", Count: 1, Nodes: []*godo.KubernetesNode{{DropletID: "7"}}}}}},
		"databases":      []godo.Database{{ID: "db-demo", Name: "platform-demo", SizeSlug: "db-s-1vcpu-1gb", NumNodes: 1}},
		"droplets":       []godo.Droplet{{ID: 7, Name: "default-7", SizeSlug: "s-2vcpu-4gb", VPCUUID: "net-demo"}},
		"load_balancers": []godo.LoadBalancer{{ID: "lb-demo", Name: "a1", VPCUUID: "net-demo", DropletIDs: []int{7}, SizeUnit: 1}},
		"volumes":        []godo.Volume{{ID: "vol-demo", Name: "pvc-1", SizeGigaBytes: 5, DropletIDs: []int{7}}},
		"snapshots":      []godo.Snapshot{{ID: "snap-demo", Name: "before", ResourceID: "vol-demo", SizeGigaBytes: 1}},
		"checks":         []godo.UptimeCheck{{ID: "check-demo", Name: "platform-demo-app", Target: "https://demo.genericcorp.com"}},
	}
}

// pulumiPrints returns the path of a stand-in for pulumi that prints a state.
func pulumiPrints(t *testing.T, state string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pulumi")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\ncat <<'END'\n"+state+"\nEND\n"), 0o700))
	return path
}

const noResources = `{"deployment": {"resources": []}}`

func TestLeftoversOfADestroyedStackAreNone(t *testing.T) {
	withAccount(t, emptyAccount())
	status, out, errs := ops(t, "leftovers", "--stack", "prod", "--pulumi", pulumiPrints(t, noResources))
	assert.Equal(t, exitDone, status, errs)
	assert.Equal(t, "nothing of platform-prod is left that costs money\n", out)
}

func TestLeftoversListsEachThingWithItsPriceAndHowToDeleteIt(t *testing.T) {
	account := emptyAccount()
	account["vpcs"] = append(account["vpcs"].([]godo.VPC), godo.VPC{ID: "net-prod", Name: "platform-prod"})
	account["kubernetes_clusters"] = append(account["kubernetes_clusters"].([]godo.KubernetesCluster),
		godo.KubernetesCluster{ID: "k-prod", Name: "platform-prod", VPCUUID: "elsewhere", HA: true, NodePools: []*godo.KubernetesNodePool{{Size: "s-2vcpu-4gb", Count: 2}}})
	account["databases"] = append(account["databases"].([]godo.Database), godo.Database{ID: "db-prod", Name: "platform-prod", SizeSlug: "db-s-1vcpu-2gb", NumNodes: 2})
	account["droplets"] = append(account["droplets"].([]godo.Droplet), godo.Droplet{ID: 8, Name: "default-8", SizeSlug: "s-4vcpu-8gb", VPCUUID: "net-prod"})
	account["load_balancers"] = append(account["load_balancers"].([]godo.LoadBalancer),
		godo.LoadBalancer{ID: "lb-prod", Name: "b1", VPCUUID: "net-prod", DropletIDs: []int{8}, SizeUnit: 2},
		godo.LoadBalancer{ID: "lb-old", Name: "c1", VPCUUID: "net-gone", Type: godo.LoadBalancerTypeRegionalNetwork})
	account["volumes"] = append(account["volumes"].([]godo.Volume), godo.Volume{ID: "vol-prod", Name: "pvc-2", SizeGigaBytes: 25})
	account["snapshots"] = append(account["snapshots"].([]godo.Snapshot), godo.Snapshot{ID: "snap-old", Name: "s", ResourceID: "gone", SizeGigaBytes: 10.1})
	account["checks"] = append(account["checks"].([]godo.UptimeCheck), godo.UptimeCheck{ID: "check-prod", Name: "platform-prod-app", Target: "https://app.genericcorp.com"})
	withAccount(t, account)
	status, out, errs := ops(t, "leftovers", "--stack", "prod", "--pulumi", pulumiPrints(t, noResources))
	assert.Equal(t, exitFailed, status)
	assert.Empty(t, errs)
	node, larger := priceOf(t, "s-2vcpu-4gb"), priceOf(t, "s-4vcpu-8gb")
	for _, want := range []string{
		(2*node + catalog.HAControlPlane.Unit).String() + " a month: Kubernetes cluster platform-prod, 2 × s-2vcpu-4gb, HA\n  doctl kubernetes cluster delete k-prod",
		"$60.90 a month: database platform-prod, 2 × db-s-1vcpu-2gb\n  doctl databases delete db-prod\n",
		larger.String() + " a month: Droplet default-8, s-4vcpu-8gb, a node of no cluster\n  doctl compute droplet delete 8\n",
		(2 * catalog.LoadBalancer.Unit).String() + " a month: load balancer b1, in the stack's network, which has no cluster\n  doctl compute load-balancer delete lb-prod\n",
		catalog.NetworkLoadBalancer.Unit.String() + " a month: load balancer c1, without Droplets\n  doctl compute load-balancer delete lb-old\n",
		"$2.50 a month: volume pvc-2, 25 GiB, used by no Droplet\n  doctl compute volume delete vol-prod\n",
		"$0.61 a month: snapshot s, 10.1 GiB, of a volume that is gone\n  doctl compute snapshot delete snap-old\n",
		"$1.00 a month: uptime check platform-prod-app of https://app.genericcorp.com\n  doctl monitoring uptime delete check-prod\n",
		"8 left, $",
	} {
		assert.Contains(t, out, want)
	}
	assert.NotContains(t, out, "demo")
}

func TestLeftoversLeavesOutWhatTheStateHas(t *testing.T) {
	account := emptyAccount()
	account["databases"] = []godo.Database{{ID: "db-prod", Name: "platform-prod", SizeSlug: "db-s-1vcpu-1gb", NumNodes: 1}}
	withAccount(t, account)
	state := `{"deployment": {"resources": [{"urn": "urn:pulumi:prod::platform::x::app", "id": "db-prod", "type": "digitalocean:index/databaseCluster:DatabaseCluster"}]}}`
	status, _, errs := ops(t, "leftovers", "--stack", "prod", "--pulumi", pulumiPrints(t, state))
	assert.Equal(t, exitDone, status, errs)
	status, out, _ := ops(t, "leftovers", "--stack", "prod", "--no-state", "--pulumi", "/nowhere")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "database platform-prod")
}

func TestLeftoversSaysThatAPriceIsUnknown(t *testing.T) {
	account := emptyAccount()
	account["databases"] = []godo.Database{{ID: "db-prod", Name: "platform-prod", SizeSlug: "gd-4vcpu-16gb", NumNodes: 1}}
	withAccount(t, account)
	_, out, _ := ops(t, "leftovers", "--stack", "prod", "--no-state")
	assert.Contains(t, out, "unknown price a month: database platform-prod, 1 × gd-4vcpu-16gb")
}

func TestLeftoversNamesEachListThatCannotBeRead(t *testing.T) {
	account := emptyAccount()
	delete(account, "volumes")
	delete(account, "droplets")
	withAccount(t, account)
	status, out, errs := ops(t, "leftovers", "--stack", "prod", "--no-state")
	assert.Equal(t, exitFailed, status)
	assert.Empty(t, out, "half a list would look like nothing is left")
	assert.Contains(t, errs, "list of Droplets: ")
	assert.Contains(t, errs, "list of volumes: ")
	assert.NotContains(t, errs, "secret")
}

func priceOf(t *testing.T, size string) budget.Cents {
	t.Helper()
	node, err := catalog.NodeBySize(size)
	require.NoError(t, err)
	return node.Unit
}
