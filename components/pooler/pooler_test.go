package pooler_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/pooler"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args(survive bool) pooler.Args {
	return pooler.Args{
		Tenants: []components.Tenant{{Name: "acme"}},
		Pods:    workload.For(settings.Settings{Capacity: settings.Capacity{SurviveNodeLoss: survive}}).Pooler.Pods, Shared: 6,
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
		Faults: []string{"pods:", "shared:", "admin:", "databaseCa:", "seed:", "verifiers:"},
		Type:   "platform:pooler:Pooler", Custom: 9,
		Secrets: map[string]string{"pooler": "stringData"},
	}.Check(t)
	for _, g := range r.Registrations() {
		assert.NotContains(t, pulumitest.Text(g.Inputs), "hunter2", "%s must not have the administrator's password", g.Name)
	}
	deployment, ok := r.Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	assert.Equal(t, map[string]any{"maxSurge": float64(0), "maxUnavailable": float64(1)},
		pulumitest.Dig(deployment.Inputs, "spec.strategy.rollingUpdate"), "the sizing counts the connections of two poolers, not of three")
}

func TestASinglePoolerIsReplacedByARollingUpdateWithSurge(t *testing.T) {
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
	assert.False(t, ok, "a disruption budget would block a drain of the Pod's node")
}

// The exporter reads the administration console without a password, because its uid is
// PgBouncer's and it has the folder of the Unix socket. It has no other folder: those have
// the verifiers and the private key.
func TestExporterReadsTheConsoleOnlyAndServesTheMetricsStoreOnly(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := pooler.New(ctx, "test", args(true))
		return err
	}))
	deployment, ok := r.Find("kubernetes:apps/v1:Deployment", "pooler")
	require.True(t, ok)
	template := pulumitest.Dig(deployment.Inputs, "spec.template").(map[string]any)
	annotations := pulumitest.Dig(template, "metadata.annotations").(map[string]any)
	assert.Equal(t, "9127", annotations["prometheus.io/port"])
	assert.EqualValues(t, 65532, pulumitest.Dig(template, "spec.securityContext.runAsUser"))
	containers := deployment.Containers()
	require.Len(t, containers, 2)
	exporter := pulumitest.Dig(containers[1], "args").([]any)
	assert.Equal(t, []any{
		"--pgBouncer.connectionString=host=/run/console port=6432 user=pgbouncer dbname=pgbouncer sslmode=disable",
		"--web.listen-address=:9127", "--log.level=warn",
	}, exporter)
	assert.EqualValues(t, 9127, pulumitest.Dig(pulumitest.Dig(containers[1], "ports").([]any)[0], "containerPort"))
	mounts := pulumitest.Dig(containers[1], "volumeMounts").([]any)
	require.Len(t, mounts, 1)
	assert.Equal(t, map[string]any{"name": "console", "mountPath": "/run/console", "readOnly": true}, mounts[0])
	requested := 0
	for _, container := range containers {
		memory := pulumitest.Dig(container, "resources.requests.memory").(string)
		mib, err := strconv.Atoi(strings.TrimSuffix(memory, "Mi"))
		require.NoError(t, err, memory)
		requested += mib
	}
	assert.Equal(t, args(true).Pods.Request.MiB, requested, "the sizing counts both containers")

	secret, ok := r.Find("kubernetes:core/v1:Secret", "pooler")
	require.True(t, ok)
	config := pulumitest.Dig(secret.Inputs, "stringData").(map[string]any)["pgbouncer.ini"].(string)
	assert.Contains(t, config, "\ntransaction_timeout = 120\n", "more than the longest statement of a tier, 60 seconds")

	policy, ok := r.Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "pooler-allow-pooler")
	require.True(t, ok)
	var from []string
	for _, rule := range pulumitest.Dig(policy.Inputs, "spec.ingress").([]any) {
		for _, port := range pulumitest.Dig(rule, "ports").([]any) {
			from = append(from, fmt.Sprint(pulumitest.Dig(rule, "from"), pulumitest.Dig(port, "port")))
		}
	}
	require.Len(t, from, 2)
	assert.Contains(t, from[0], "app")
	assert.Contains(t, from[0], "6432")
	assert.Contains(t, from[1], "victoria-metrics")
	assert.Contains(t, from[1], "9127")
}
