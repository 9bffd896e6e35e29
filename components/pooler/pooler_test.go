package pooler_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/pooler"
	"github.com/genericcorp/platform/internal/pulumitest"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

func args(survive bool) pooler.Args {
	return pooler.Args{
		Tenants:  []settings.Tenant{settings.Tenant{Name: "acme"}.WithDefaults()},
		Workload: workload.For(settings.Settings{Capacity: settings.Capacity{SurviveNodeLoss: survive}}).Pooler, Shared: 6,
		DatabaseRange: "10.10.0.0/20", DatabasePort: 25060,
		Admin:      pulumi.String("postgresql://doadmin:hunter2@db:25060/app?sslmode=verify-full"),
		DatabaseCA: pulumi.String("PEM"), Seed: pulumi.String("a seed for tests"), Verifiers: pulumi.String("tenant_acme,SCRAM-SHA-256$4096:x"),
	}
}

func TestPooler(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"kubernetes"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := pooler.New(ctx, "test", args(true), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := pooler.New(ctx, "test", pooler.Args{})
			return err
		},
		Faults: []string{"workload:", "shared:", "admin:", "databaseCa:", "seed:", "verifiers:"},
		Type:   "platform:pooler:Pooler", Custom: 9,
		Secrets: map[string]string{"pooler": "stringData"},
	}.Check(t)
	for _, g := range r.Registrations() {
		assert.NotContains(t, pulumitest.Text(g.Inputs), "hunter2", "%s: the administrator's password has no business here", g.Name)
	}
	deployment, ok := r.Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	assert.Equal(t, map[string]any{"maxSurge": float64(0), "maxUnavailable": float64(1)},
		pulumitest.Dig(deployment.Inputs, "spec.strategy.rollingUpdate"), "two poolers never become three: their connections are counted")
}

func TestPoolerOfAStackWithoutASpareNodeIsReplacedBeforeItEnds(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := pooler.New(ctx, "test", args(false))
		return err
	}))
	deployment, ok := r.Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	assert.EqualValues(t, 1, pulumitest.Dig(deployment.Inputs, "spec.replicas"))
	assert.EqualValues(t, 1, pulumitest.Dig(deployment.Inputs, "spec.strategy.rollingUpdate.maxSurge"))
	_, ok = r.Find("kubernetes:policy/v1:PodDisruptionBudget", "pooler")
	assert.False(t, ok, "a budget would keep a single Pod's node from being drained")
}
