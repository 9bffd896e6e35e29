package adopt_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/genericcorp/platform/internal/adopt"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
)

const (
	componentURN = "urn:pulumi:demo::platform::platform:cluster:Cluster::platform-demo"
	postgresURN  = "urn:pulumi:demo::platform::platform:postgres:Postgres::platform-demo"
	providerURN  = "urn:pulumi:demo::platform::pulumi:providers:digitalocean::digitalocean"
)

// account returns the client of an account with all things of the stack demo and the VPC
// of another stack.
func account(t *testing.T) *godo.Client {
	t.Helper()
	c := cloud.At(t.TempDir())
	for token, objects := range map[string]map[string]map[string]any{
		"digitalocean:index/vpc:Vpc":                           {"v": {"name": "platform-demo"}, "w": {"name": "platform-prod"}},
		cloud.TokenCluster:                                     {"k": {"name": "platform-demo"}},
		"digitalocean:index/databaseCluster:DatabaseCluster":   {"d": {"name": "platform-demo"}},
		"digitalocean:index/databaseDb:DatabaseDb":             {"d/database/app": {"clusterId": "d", "name": "app"}},
		"digitalocean:index/databaseUser:DatabaseUser":         {"d/user/app": {"clusterId": "d", "name": "app"}},
		"digitalocean:index/databaseFirewall:DatabaseFirewall": {"d-firewall": {"clusterId": "d", "rules": []any{map[string]any{"type": "k8s", "value": "k"}}}},
	} {
		for id, inputs := range objects {
			require.NoError(t, c.Put(token, id, cloud.Object{Inputs: inputs}))
		}
	}
	server := httptest.NewServer((&digitalocean.Server{Cloud: c}).Handler())
	t.Cleanup(server.Close)
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})
	client, err := godo.New(oauth2.NewClient(t.Context(), source), godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	return client
}

// state returns a state with these resources.
func state(t *testing.T, resources ...adopt.Resource) adopt.State {
	t.Helper()
	data, err := json.Marshal(map[string]any{"version": 3, "deployment": map[string]any{"resources": resources}})
	require.NoError(t, err)
	s, err := adopt.ParseState(data)
	require.NoError(t, err)
	return s
}

// parents returns the provider and the components that import commands name.
func parents() []adopt.Resource {
	return []adopt.Resource{
		{URN: providerURN, Type: "pulumi:providers:digitalocean", ID: "p"},
		{URN: componentURN, Type: "platform:cluster:Cluster"},
		{URN: postgresURN, Type: "platform:postgres:Postgres"},
	}
}

// child returns a resource below a component.
func child(component, token, id string) adopt.Resource {
	return adopt.Resource{URN: strings.Replace(component, "::platform-demo", "$"+token+"::platform-demo", 1), Type: token, ID: id}
}

func compare(t *testing.T, s adopt.State, protect bool) adopt.Script {
	t.Helper()
	things, err := adopt.Find(t.Context(), account(t), "platform-demo")
	require.NoError(t, err)
	require.Len(t, things, 6)
	script := adopt.Compare(adopt.Stack{Name: "demo", Resource: "platform-demo", Protect: protect}, s, things)
	assert.NotContains(t, script.String(), "delete")
	return script
}

// commands returns the lines of a script that are not comments.
func commands(script adopt.Script) []string {
	var out []string
	for line := range strings.Lines(script.String()) {
		if !strings.HasPrefix(line, "#") {
			out = append(out, strings.TrimSuffix(line, "\n"))
		}
	}
	return out
}

func TestCompareImportsWhatTheStateLacksByItsDocumentedID(t *testing.T) {
	script := compare(t, state(t, parents()...), true)
	assert.Equal(t, 6, script.Missing)
	tail := " --provider provider=" + providerURN + " --protect=true --generate-code=false --yes -s demo"
	cluster, postgres := " --parent parent="+componentURN+tail, " --parent parent="+postgresURN+tail
	assert.Equal(t, []string{
		"pulumi import digitalocean:index/vpc:Vpc platform-demo v" + cluster,
		"pulumi import digitalocean:index/kubernetesCluster:KubernetesCluster platform-demo k" + cluster,
		"pulumi import digitalocean:index/databaseCluster:DatabaseCluster platform-demo d" + postgres,
		"pulumi import digitalocean:index/databaseDb:DatabaseDb platform-demo d,app" + postgres,
		"pulumi import digitalocean:index/databaseUser:DatabaseUser platform-demo d,app" + postgres,
		"pulumi import digitalocean:index/databaseFirewall:DatabaseFirewall platform-demo d" + postgres,
	}, commands(script))
}

func TestCompareImportsNothingThatTheStateHas(t *testing.T) {
	script := compare(t, state(t, append(parents(),
		child(componentURN, "digitalocean:index/vpc:Vpc", "v"), child(componentURN, cloud.TokenCluster, "k"),
		child(postgresURN, "digitalocean:index/databaseCluster:DatabaseCluster", "d"),
		child(postgresURN, "digitalocean:index/databaseDb:DatabaseDb", "d/database/app"),
		child(postgresURN, "digitalocean:index/databaseUser:DatabaseUser", "d/user/app"),
		child(postgresURN, "digitalocean:index/databaseFirewall:DatabaseFirewall", "d-2026"),
	)...), false)
	assert.Zero(t, script.Missing)
	assert.Empty(t, commands(script))
	assert.Contains(t, script.String(), "The state has everything")
}

func TestCompareReportsAnotherIDInTheStateAndDoesNotImport(t *testing.T) {
	script := compare(t, state(t, append(parents(), child(componentURN, "digitalocean:index/vpc:Vpc", "older"))...), false)
	assert.Equal(t, 6, script.Missing)
	assert.Len(t, commands(script), 5)
	assert.Contains(t, script.String(), "VPC platform-demo (v): the state has another one, older.")
}

func TestCompareAdvisesUpFirstIfTheStateLacksTheComponents(t *testing.T) {
	script := compare(t, state(t), false)
	assert.Equal(t, 6, script.Missing)
	assert.Empty(t, commands(script))
	assert.Contains(t, script.String(), "First run `pulumi up -s demo`")
}

func TestComparePrintsTheCommandThatRemovesPendingCreates(t *testing.T) {
	s, err := adopt.ParseState([]byte(`{"deployment":{"pending_operations":[{"resource":{"urn":"u"},"type":"creating"}]}}`))
	require.NoError(t, err)
	assert.Contains(t, compare(t, s, false).String(), "pulumi refresh --clear-pending-creates -s demo")
}

func TestFindNamesTheListThatTheAPIRefuses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(server.Close)
	client, err := godo.New(http.DefaultClient, godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	_, err = adopt.Find(t.Context(), client, "platform-demo")
	assert.ErrorContains(t, err, "list of VPCs")
	_, err = adopt.ParseState([]byte("error: no stack"))
	assert.ErrorContains(t, err, "did not print a state in JSON")
}
