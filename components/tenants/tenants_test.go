package tenants_test

import (
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/tenants"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() tenants.Args {
	s := settings.Settings{Archive: settings.Archive{VolumeGiB: 5}, Capacity: settings.Capacity{ConcurrentUsers: 100}}
	return tenants.Args{
		Tenants: []components.Tenant{{Name: "acme"}}, AppRole: "app", AppConnections: 6, Version: "17",
		Pods: workload.For(s).Reconcile.Pods, Scheduled: workload.For(s).Scheduled.Pods, Usage: workload.For(s).Usage.Pods, MetricsDays: 30, DatabaseRange: "10.10.0.0/20", DatabasePort: 25060,
		Admin: pulumi.String("postgresql://doadmin:hunter2@db:25060/app?sslmode=verify-full"), CA: pulumi.String("PEM"),
	}
}

func TestTenants(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"kubernetes", "random"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := tenants.New(ctx, "test", args(), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := tenants.New(ctx, "test", tenants.Args{Version: "9"})
			return err
		},
		Faults: []string{"version:", "appRole:", "appConnections:", "pods:", "scheduled:", "usage:", "metricsDays:", "admin:", "ca:"},
		Type:   "platform:tenants:Tenants", Custom: 16,
		Secrets: map[string]string{"administrator": "stringData", "verifiers": "stringData"},
	}.Check(t)
	pod := pulumitest.Dig(job(t, r), "spec.template.spec")
	assert.Equal(t, false, pulumitest.Dig(pod, "automountServiceAccountToken"))
	assert.Equal(t, "Never", pulumitest.Dig(pod, "restartPolicy"))
	container := pulumitest.Dig(pod, "containers").([]any)[0]
	assert.Equal(t, "FallbackToLogsOnError", pulumitest.Dig(container, "terminationMessagePolicy"))
	registered, _ := r.Find("kubernetes:batch/v1:Job", "reconcile")
	assert.Equal(t, "35m", registered.CreateTimeout, "longer than the Job's deadline")
	assert.EqualValues(t, 1800, pulumitest.Dig(job(t, r), "spec.activeDeadlineSeconds"))
	assert.Equal(t, []any{
		map[string]any{"action": "FailJob", "onExitCodes": map[string]any{
			"containerName": "reconcile", "operator": "In", "values": []any{float64(tenancy.ExitRefused), float64(tenancy.ExitTenants)},
		}},
		map[string]any{"action": "Ignore", "onPodConditions": []any{map[string]any{"type": "DisruptionTarget", "status": "True"}}},
	}, pulumitest.Dig(job(t, r), "spec.podFailurePolicy.rules"), "the same Job must not try again after a refusal or a failed tenant")
	others := 0
	for _, g := range r.Registrations() {
		if g.Type != "kubernetes:core/v1:Secret" {
			assert.NotContains(t, pulumitest.Text(g.Inputs), "hunter2", g.Name)
			others++
		}
	}
	assert.Greater(t, others, 5, "resources that are not Secrets")
}

func job(t *testing.T, r *pulumitest.Recorder) map[string]any {
	t.Helper()
	g, ok := r.Find("kubernetes:batch/v1:Job", "reconcile")
	require.True(t, ok)
	return g.Inputs
}

// variables returns the plain environment variables of a Pod with one container.
func variables(t *testing.T, g pulumitest.Registration) map[string]string {
	t.Helper()
	require.Len(t, g.Containers(), 1)
	out := map[string]string{}
	for _, variable := range pulumitest.Dig(g.Containers()[0], "env").([]any) {
		out[pulumitest.Dig(variable, "name").(string)] = pulumitest.Dig(variable, "value").(string)
	}
	return out
}

func TestFirstJobToleratesFailedTenantsAndTheLastOneDoesNot(t *testing.T) {
	r := &pulumitest.Recorder{Password: "a seed for tests"}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		created, err := tenants.New(ctx, "test", args())
		if err != nil {
			return err
		}
		_, err = created.Confirm(ctx, "test", pulumi.DependsOn([]pulumi.Resource{created}))
		return err
	}))
	first, _ := r.Find("kubernetes:batch/v1:Job", "reconcile")
	last, ok := r.Find("kubernetes:batch/v1:Job", "confirm")
	require.True(t, ok)
	assert.Equal(t, "tenants", variables(t, first)["TOLERATE"])
	assert.Equal(t, map[string]string{"RECONCILE": "/etc/reconcile", "CREDENTIALS": "/etc/credentials", "ARCHIVE": "/archive"}, variables(t, last))
	for _, g := range []pulumitest.Registration{first, last} {
		assert.Equal(t, "true", pulumitest.Dig(g.Inputs, "metadata.annotations.pulumi.com/replaceUnready"), g.Name)
		assert.Equal(t, "35m", g.CreateTimeout, g.Name)
		assert.Equal(t, "reconcile", pulumitest.Dig(g.Inputs, "spec.template.metadata.labels.app.kubernetes.io/name"), "the network policy's")
	}
	assert.Contains(t, last.Parent, "platform:tenants:Confirmation::test", "resources that depend on the tenants must not wait for it")
	assert.Regexp(t, `^confirm-[0-9a-f]{10}$`, pulumitest.Dig(last.Inputs, "metadata.name"))
	name := func(g pulumitest.Registration) string {
		return strings.SplitN(pulumitest.Dig(g.Inputs, "metadata.name").(string), "-", 2)[1]
	}
	assert.Equal(t, name(first), name(last), "both apply the same revision")
}

func TestCronJobRepeatsTheLastUpdateWithoutTheArchive(t *testing.T) {
	r := declared(t, args())
	g, ok := r.Find("kubernetes:batch/v1:CronJob", "reconcile")
	require.True(t, ok)
	spec, _ := pulumitest.Dig(g.Inputs, "spec").(map[string]any)
	for path, want := range map[string]any{
		"schedule": "*/15 * * * *", "suspend": false, "concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 300.0,
		"successfulJobsHistoryLimit": 1.0, "failedJobsHistoryLimit": 1.0,
		"jobTemplate.metadata.labels.app.kubernetes.io/name": "reconcile",
		"jobTemplate.spec.activeDeadlineSeconds":             600.0, "jobTemplate.spec.backoffLimit": 0.0,
	} {
		assert.Equal(t, want, pulumitest.Dig(spec, path), path)
	}
	assert.Equal(t, map[string]string{"RECONCILE": "/etc/reconcile", "CREDENTIALS": "/etc/credentials", "SCHEDULED": "true"}, variables(t, g))
	assert.NotContains(t, pulumitest.Text(g.Inputs), "persistentVolumeClaim", "a disk can be attached to one node only")
	pod := pulumitest.Dig(spec, "jobTemplate.spec.template.spec").(map[string]any)
	job := pulumitest.Dig(job(t, r), "spec.template.spec").(map[string]any)
	for _, same := range []string{"serviceAccountName", "automountServiceAccountToken", "securityContext", "restartPolicy"} {
		assert.Equal(t, job[same], pod[same], same)
	}
	assert.Equal(t, pulumitest.Dig(job["containers"].([]any)[0], "image"), pulumitest.Dig(g.Containers()[0], "image"))
	assert.Equal(t, pulumitest.Dig(job, "volumes").([]any)[:4], pod["volumes"], "the same scripts and credentials")
}

func declared(t *testing.T, a tenants.Args) *pulumitest.Recorder {
	t.Helper()
	r := &pulumitest.Recorder{Password: "a seed for tests"}
	require.NoError(t, pulumitest.Run(r, "test", nil, func(ctx *pulumi.Context) error {
		_, err := tenants.New(ctx, "test", a)
		return err
	}))
	return r
}

func TestJobNameChangesIfAndOnlyIfItsContentChanges(t *testing.T) {
	named := func(change func(*tenants.Args)) any {
		a := args()
		change(&a)
		return pulumitest.Dig(job(t, declared(t, a)), "metadata.name")
	}
	same := named(func(*tenants.Args) {})
	assert.Regexp(t, `^reconcile-[0-9a-f]{10}$`, same)
	assert.Equal(t, same, named(func(*tenants.Args) {}))
	for what, change := range map[string]func(*tenants.Args){
		"a tenant":   func(a *tenants.Args) { a.Tenants = nil },
		"a plan":     func(a *tenants.Args) { a.Tenants[0].Plan = "growth" },
		"a password": func(a *tenants.Args) { a.Tenants[0].PasswordVersion = 2 },
		"a database": func(a *tenants.Args) { a.Admin = pulumi.String("postgresql://doadmin:other@db:25060/app") },
	} {
		assert.NotEqual(t, same, named(change), what)
	}
}

func TestWithoutAnArchiveNoVolumeIsDeclared(t *testing.T) {
	a := args()
	a.Pods.VolumeGiB = 0
	r := declared(t, a)
	_, found := r.Find("kubernetes:core/v1:PersistentVolumeClaim", "reconcile")
	assert.False(t, found)
	assert.NotContains(t, pulumitest.Text(job(t, r)), "persistentVolumeClaim")
}
