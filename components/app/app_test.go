package app_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() app.Args {
	set := workload.For(settings.Settings{Capacity: settings.Capacity{ConcurrentUsers: 100}})
	return app.Args{
		Image: "ghcr.io/acme/app:1.2.3", Port: 8080, HealthPath: "/healthz", ReadyPath: "/readyz", MetricsPath: "/metrics",
		Domain: "demo.example.com", Tenants: tenants("acme:active", "beta:active", "late:suspended", "old:archived", "gone:purged"),
		TenantURLs: pulumi.StringMap{"acme.url": pulumi.String("postgresql://tenant_acme:hunter3@db/app")}, Env: map[string]string{"B": "2", "A": "1"},
		Pods: set.App.Pods, DatabaseRange: "10.10.0.0/20", DatabasePort: 25060,
		DatabaseURL: pulumi.String("postgresql://app:hunter2@db/app"), DatabaseCA: pulumi.String("PEM"),
		IngressNamespace: pulumi.String("ingress"),
	}
}

// tenants returns tenants of the smallest tier, each from a text "name:state".
func tenants(texts ...string) []components.Tenant {
	var out []components.Tenant
	for _, text := range texts {
		name, state, _ := strings.Cut(text, ":")
		out = append(out, components.Tenant{Name: name, State: state})
	}
	return out
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
			_, err := app.New(ctx, "test", app.Args{Port: 80, Tenants: tenants("acme:active")})
			return err
		},
		Faults: []string{"image:", "port:", "domain:", "tenantUrls:", "pods:", "databaseUrl:", "databaseCa:", "ingressNamespace:"},
		Type:   "platform:app:App", Custom: 18,
		Secrets: map[string]string{"database": "stringData", "tenants": "stringData"},
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
}

func TestAppProbesItsOwnPathsAndHasTimeToFinishRequests(t *testing.T) {
	g, ok := declared(t, args()).Find(deploymentToken, "app")
	require.True(t, ok)
	container := g.Containers()[0]
	for probe, path := range map[string]string{"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"} {
		assert.Equal(t, path, pulumitest.Dig(container, probe+".httpGet.path"), probe)
		assert.Equal(t, "http", pulumitest.Dig(container, probe+".httpGet.port"), probe)
	}
	drained := pulumitest.Dig(container, "lifecycle.preStop.sleep.seconds").(float64)
	assert.EqualValues(t, drained+25, pulumitest.Dig(g.Inputs, "spec.template.spec.terminationGracePeriodSeconds"),
		"the delay before the stop is part of the grace period")
}

func TestTheIngressAndTheMetricsStoreMayConnectToTheApp(t *testing.T) {
	policy, ok := declared(t, args()).Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "app-allow-ingress")
	require.True(t, ok)
	var from []any
	for _, rule := range pulumitest.Dig(policy.Inputs, "spec.ingress").([]any) {
		peer := pulumitest.Dig(rule, "from").([]any)[0]
		from = append(from, pulumitest.Dig(peer, "podSelector.matchLabels.app.kubernetes.io/name"))
		assert.EqualValues(t, 8080, pulumitest.Dig(pulumitest.Dig(rule, "ports").([]any)[0], "port"))
	}
	assert.Equal(t, []any{"traefik", "victoria-metrics"}, from)
}

func hosts(t *testing.T, r *pulumitest.Recorder, route string) (hosts []any, middlewares any) {
	t.Helper()
	g, ok := r.Find("kubernetes:networking.k8s.io/v1:Ingress", route)
	require.True(t, ok, route)
	for _, rule := range pulumitest.Dig(g.Inputs, "spec.rules").([]any) {
		hosts = append(hosts, pulumitest.Dig(rule, "host"))
	}
	return hosts, g.Inputs["metadata"].(map[string]any)["annotations"].(map[string]any)["traefik.ingress.kubernetes.io/router.middlewares"]
}

func declared(t *testing.T, a app.Args) *pulumitest.Recorder {
	t.Helper()
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := app.New(ctx, "test", a)
		return err
	}))
	return r
}

func TestEachTenantHasItsOwnRuleWithTheRateLimitOfItsTier(t *testing.T) {
	r := declared(t, args())
	own, none := hosts(t, r, "route-app")
	assert.Equal(t, []any{"demo.example.com"}, own)
	assert.Nil(t, none)
	starter, limit := hosts(t, r, "route-tenants-starter")
	assert.Equal(t, []any{"acme.demo.example.com", "beta.demo.example.com"}, starter)
	assert.Equal(t, "plan-starter@file", limit)
	closed, middleware := hosts(t, r, "route-tenants-suspended")
	assert.Equal(t, []any{"late.demo.example.com", "old.demo.example.com"}, closed, "a purged tenant has no host")
	assert.Equal(t, "suspended@file", middleware)
}

func TestTenantsConfigMapListsTenantsThatAreNotPurged(t *testing.T) {
	config, ok := declared(t, args()).Find("kubernetes:core/v1:ConfigMap", "tenants")
	require.True(t, ok)
	var list []map[string]string
	require.NoError(t, json.Unmarshal([]byte(config.Inputs["data"].(map[string]any)["tenants.json"].(string)), &list))
	require.Len(t, list, 4)
	assert.Equal(t, map[string]string{
		"name": "acme", "host": "acme.demo.example.com", "plan": "starter", "state": "active", "role": "tenant_acme", "schema": "tenant_acme",
	}, list[0])
}

func TestDatabasePasswordsAppearInSecretsOnly(t *testing.T) {
	withPassword := 0
	for _, g := range declared(t, args()).Registrations() {
		if g.Type == secretToken {
			if strings.Contains(pulumitest.Text(g.Inputs), "hunter") {
				withPassword++
			}
			continue
		}
		assert.NotContains(t, pulumitest.Text(g.Inputs), "hunter", g.Name)
	}
	assert.Equal(t, 2, withPassword, "the Secrets of the app's role and of the tenants")
}

func TestASingleReplicaHasNoDisruptionBudget(t *testing.T) {
	a := args()
	a.Pods.Replicas = 1
	_, ok := declared(t, a).Find("kubernetes:policy/v1:PodDisruptionBudget", "app")
	assert.False(t, ok, "it would block a drain of the Pod's node")
}

func TestInternetEgressAddsARuleToTheNetworkPolicy(t *testing.T) {
	for _, c := range []struct {
		internet bool
		rules    int
	}{{false, 2}, {true, 3}} {
		a := args()
		a.InternetEgress = c.internet
		policy, ok := declared(t, a).Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "app-allow-database")
		require.True(t, ok)
		assert.Len(t, pulumitest.Dig(policy.Inputs, "spec.egress"), c.rules, "the database, the pooler and perhaps the Internet")
	}
}

// A stack file that could set one of these would change what the app contract says.
func TestAStackFileCannotSetTheVariablesOfTheContract(t *testing.T) {
	a := args()
	a.Env = nil
	r := declared(t, a)
	deployment, _ := r.Find(deploymentToken, "app")
	container := pulumitest.Dig(deployment.Inputs, "spec.template.spec.containers").([]any)[0]
	variables := pulumitest.Dig(container, "env").([]any)
	assert.NotEmpty(t, variables)
	contract, err := os.ReadFile("../../docs/app-contract.md")
	require.NoError(t, err)
	for _, variable := range variables {
		name := pulumitest.Dig(variable, "name").(string)
		assert.Contains(t, string(contract), "`"+name+"`", "the app contract describes it")
		_, err := settings.Load([]byte("{domain: a.genericcorp.com, zone: genericcorp.com, email: a@genericcorp.com, app: {env: {" + name + ": x}}}"))
		assert.ErrorContains(t, err, name, "settings.reservedEnv has to have it")
	}
}
