package app_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/internal/pulumitest"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

func args() app.Args {
	set := workload.For(settings.Settings{Capacity: settings.Capacity{ConcurrentUsers: 100}})
	return app.Args{
		Image: "ghcr.io/acme/app:1.2.3", Port: 8080, HealthPath: "/healthz", ReadyPath: "/readyz", MetricsPath: "/metrics",
		Hosts: []string{"demo.example.com", "acme.demo.example.com"}, Env: map[string]string{"B": "2", "A": "1"},
		Workload: set.App, DatabaseRange: "10.10.0.0/20", DatabasePort: 25060,
		DatabaseURL: pulumi.String("postgresql://app:hunter2@db/app"), DatabaseCA: pulumi.String("PEM"),
		IngressNamespace: pulumi.String("ingress"),
	}
}

const deploymentToken = "kubernetes:apps/v1:Deployment"

func TestApp(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"kubernetes"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := app.New(ctx, "test", args(), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := app.New(ctx, "test", app.Args{Port: 80})
			return err
		},
		Faults: []string{"image:", "port:", "hosts:", "workload:", "databaseUrl:", "databaseCa:", "ingressNamespace:"},
		Type:   "platform:app:App", Custom: 12,
		Secrets: map[string]string{"database": "stringData"},
	}.Check(t)

	g, ok := r.Find(deploymentToken, "app")
	require.True(t, ok)
	pod := pulumitest.Dig(g.Inputs, "spec.template.spec")
	assert.Equal(t, false, pulumitest.Dig(pod, "automountServiceAccountToken"))
	assert.EqualValues(t, 0, pulumitest.Dig(g.Inputs, "spec.strategy.rollingUpdate.maxUnavailable"))
	container := pulumitest.Dig(pod, "containers").([]any)[0]
	for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe", "lifecycle.preStop.sleep"} {
		assert.NotNil(t, pulumitest.Dig(container, probe), probe)
	}
	var names []any
	for _, variable := range pulumitest.Dig(container, "env").([]any) {
		names = append(names, pulumitest.Dig(variable, "name"))
	}
	assert.Equal(t, []any{"PORT", "PUBLIC_URL", "PGSSLROOTCERT", "DATABASE_URL", "A", "B"}, names)
	route, _ := r.Find("kubernetes:networking.k8s.io/v1:Ingress", "route-app")
	assert.Len(t, pulumitest.Dig(route.Inputs, "spec.rules"), 2, "one for each host, so that usage is told apart")
}

func TestTheDatabasePasswordShowsNowhereButInItsSecret(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := app.New(ctx, "test", args())
		return err
	}))
	for _, g := range r.Registrations() {
		if g.Name != "database" {
			assert.NotContains(t, pulumitest.Text(g.Inputs), "hunter2", g.Name)
		}
	}
}

func TestASingleReplicaHasNoDisruptionBudgetToBlockADrain(t *testing.T) {
	a := args()
	a.Workload.Replicas = 1
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := app.New(ctx, "test", a)
		return err
	}))
	_, ok := r.Find("kubernetes:policy/v1:PodDisruptionBudget", "app")
	assert.False(t, ok)
}

func TestTheInternetIsReachedOnlyWhenAsked(t *testing.T) {
	for _, internet := range []bool{false, true} {
		a := args()
		a.InternetEgress = internet
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
			_, err := app.New(ctx, "test", a)
			return err
		}))
		policy, _ := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "app-allow-database")
		assert.Equal(t, internet, len(pulumitest.Dig(policy.Inputs, "spec.egress").([]any)) == 2)
	}
}
