package tenants_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/usage"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestUsageIsCountedEveryHourWithTheImageOfTheReconcileJob(t *testing.T) {
	r := declared(t, args())
	g, ok := r.Find("kubernetes:batch/v1:CronJob", "usage")
	require.True(t, ok)
	spec, _ := pulumitest.Dig(g.Inputs, "spec").(map[string]any)
	for path, want := range map[string]any{
		"schedule": "8 * * * *", "suspend": false, "concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 300.0,
		"successfulJobsHistoryLimit": 1.0, "failedJobsHistoryLimit": 1.0,
		"jobTemplate.spec.activeDeadlineSeconds": 600.0, "jobTemplate.spec.backoffLimit": 0.0,
		"jobTemplate.spec.template.spec.serviceAccountName":           "usage",
		"jobTemplate.spec.template.spec.automountServiceAccountToken": false,
		"jobTemplate.spec.template.spec.restartPolicy":                "Never",
	} {
		assert.Equal(t, want, pulumitest.Dig(spec, path), path)
	}
	assert.Equal(t, "usage", pulumitest.Dig(spec, "jobTemplate.spec.template.metadata.labels.app.kubernetes.io/name"), "the network policy's")
	reconcile := pulumitest.Dig(job(t, r), "spec.template.spec").(map[string]any)
	container := reconcile["containers"].([]any)[0].(map[string]any)
	for _, same := range []string{"image", "envFrom", "securityContext"} {
		assert.Equal(t, container[same], g.Containers()[0].(map[string]any)[same], same)
	}
	assert.Equal(t, reconcile["securityContext"], pulumitest.Dig(spec, "jobTemplate.spec.template.spec.securityContext"))
	assert.Equal(t, map[string]string{
		"USAGE": "/etc/usage", "PASSWORDS": "/etc/credentials/pgpass", "METRICS_DAYS": "30",
		"METRICS_HOST": "victoria-metrics.monitoring.svc.cluster.local", "METRICS_PORT": "8428",
	}, variables(t, g))
	before := strings.Join(g.DependsOn, "\n") + "\n"
	for _, want := range []string{"NetworkPolicy::tenants-allow-usage", "ServiceAccount::usage", "ConfigMap::usage", "Secret::administrator", "Secret::verifiers"} {
		assert.Contains(t, before, ":"+want+"\n")
	}
	scripts, ok := r.Find("kubernetes:core/v1:ConfigMap", "usage")
	require.True(t, ok)
	assert.Len(t, pulumitest.Dig(scripts.Inputs, "data"), len(usage.Files()))
	for _, volume := range pulumitest.Dig(spec, "jobTemplate.spec.template.spec.volumes").([]any) {
		assert.NotContains(t, pulumitest.Text(volume), "verifiers.csv", "it sets no passwords")
	}
}

func TestUsageJobReachesTheDatabaseAndVictoriaMetricsOnly(t *testing.T) {
	policy, ok := declared(t, args()).Find("kubernetes:networking.k8s.io/v1:NetworkPolicy", "tenants-allow-usage")
	require.True(t, ok)
	egress := pulumitest.Dig(policy.Inputs, "spec.egress").([]any)
	require.Len(t, egress, 2)
	assert.Equal(t, "10.10.0.0/20", pulumitest.Dig(pulumitest.Dig(egress[0], "to").([]any)[0], "ipBlock.cidr"))
	to := pulumitest.Dig(egress[1], "to").([]any)[0]
	assert.Equal(t, "monitoring", pulumitest.Dig(to, "namespaceSelector.matchLabels.kubernetes.io/metadata.name"))
	assert.Equal(t, "victoria-metrics", pulumitest.Dig(to, "podSelector.matchLabels.app.kubernetes.io/name"))
	assert.EqualValues(t, 8428, pulumitest.Dig(pulumitest.Dig(egress[1], "ports").([]any)[0], "port"))
}
