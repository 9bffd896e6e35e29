package pooler_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/pooler"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func declared(t *testing.T, a pooler.Args) *pulumitest.Recorder {
	t.Helper()
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := pooler.New(ctx, "test", a)
		return err
	}))
	return r
}

// Kubernetes objects refer to each other by name, which Pulumi does not see.
func TestPoolerStartsAfterItsPoliciesItsAccountAndItsFiles(t *testing.T) {
	r := declared(t, args(true))
	deployment, ok := r.Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	before := strings.Join(deployment.DependsOn, "\n") + "\n"
	for _, want := range []string{
		"core/v1:Namespace::pooler\n", "networking.k8s.io/v1:NetworkPolicy::pooler-allow-pooler\n", "core/v1:ServiceAccount::pooler\n", "core/v1:Secret::pooler\n",
	} {
		assert.Contains(t, before, want)
	}
}

func TestPoolerConnectsToTheDatabasesRangeAlone(t *testing.T) {
	policy, ok := declared(t, args(true)).Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "pooler-allow-pooler")
	require.True(t, ok)
	assert.Equal(t, []any{map[string]any{
		"to":    []any{map[string]any{"ipBlock": map[string]any{"cidr": "10.10.0.0/20"}}},
		"ports": []any{map[string]any{"port": 25060.0, "protocol": "TCP"}},
	}}, pulumitest.Dig(policy.Inputs, "spec.egress"))
	assert.Equal(t, []any{"Ingress", "Egress"}, pulumitest.Dig(policy.Inputs, "spec.policyTypes"))
}

// A Pod that is killed earlier takes a tenant's running statement with it.
func TestPoolerThatStopsWaitsForTheLongestStatementOfAnyPlan(t *testing.T) {
	deployment, ok := declared(t, args(true)).Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	grace := pulumitest.Dig(deployment.Inputs, "spec.template.spec.terminationGracePeriodSeconds").(float64)
	drained := pulumitest.Dig(deployment.Containers()[0], "lifecycle.preStop.sleep.seconds").(float64)
	assert.Positive(t, drained, "no new client comes when it stops")
	for _, tier := range settings.Tiers {
		assert.GreaterOrEqual(t, grace-drained, float64(tier.StatementSeconds), tier.Name)
	}
}

func TestWhatServesTheTenantsIsProtectedWhenThatIsAsked(t *testing.T) {
	for _, protect := range []bool{true, false} {
		a := args(true)
		a.Protect = protect
		r := declared(t, a)
		for _, token := range []string{"apps/v1:Deployment", "core/v1:Service", "core/v1:Secret"} {
			g, ok := r.Find("kubernetes:"+token, "pooler")
			require.True(t, ok, token)
			assert.Equal(t, protect, g.Protect, token)
		}
	}
}

// A Service sends clients to Pods that are ready, and a Pod that hangs is restarted.
func TestPoolerIsAskedWhetherItsPortIsOpen(t *testing.T) {
	deployment, ok := declared(t, args(true)).Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	for _, probe := range []string{"readinessProbe", "livenessProbe"} {
		assert.Equal(t, "postgres", pulumitest.Dig(deployment.Containers()[0], probe+".tcpSocket.port"), probe)
	}
	port := pulumitest.Dig(deployment.Containers()[0], "ports").([]any)[0]
	assert.Equal(t, "postgres", pulumitest.Dig(port, "name"))
	assert.EqualValues(t, 6432, pulumitest.Dig(port, "containerPort"))
}

// The script reloads PgBouncer when a file changes, but no shell reads its own script again.
func TestAnotherScriptReplacesThePoolersPods(t *testing.T) {
	deployment, ok := declared(t, args(true)).Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	sum := string(kube.WithChecksum(nil, tenancy.PoolerScript())["checksum/config"].(pulumi.String))
	assert.Equal(t, sum, pulumitest.Dig(deployment.Inputs, "spec.template.metadata.annotations.checksum/config"))
}
