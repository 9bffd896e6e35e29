package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/workload"
)

// run starts a scheduled Job by hand, as `kubectl create job --from` does, and waits until it has
// succeeded.
func (d runningDemo) run(t *testing.T, cronJob string) {
	t.Helper()
	batch := d.kubernetes(t).BatchV1()
	schedule, err := batch.CronJobs(workload.TenantsNamespace).Get(t.Context(), cronJob, metav1.GetOptions{})
	require.NoError(t, err)
	name := "by-hand-" + cronJob
	_, err = batch.Jobs(workload.TenantsNamespace).Create(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: schedule.Spec.JobTemplate.Spec}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		job, err := batch.Jobs(workload.TenantsNamespace).Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		return job.Status.Succeeded == 1
	}, 2*time.Minute, 500*time.Millisecond, "a scheduled run of %s must complete", cronJob)
}

// checkReconcile starts a scheduled run by hand, and reads its log and those of the update's
// Jobs.
func (d runningDemo) checkReconcile(t *testing.T) {
	d.run(t, "reconcile")
	runs := map[string]int{}
	for _, pod := range d.pods(t) {
		if pod.Namespace != workload.TenantsNamespace || len(pod.OwnerReferences) != 1 || pod.OwnerReferences[0].Kind != "Job" {
			continue
		}
		if strings.Contains(pod.OwnerReferences[0].Name, "usage") {
			continue
		}
		kind, _, _ := strings.Cut(pod.OwnerReferences[0].Name, "-")
		runs[kind]++
		log, err := d.kubernetes(t).CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{}).DoRaw(t.Context())
		require.NoError(t, err)
		assert.Contains(t, string(log), "tenants: 6 declared, all as declared", pod.Name)
		for _, variable := range pod.Spec.Containers[0].Env {
			assert.NotEqual(t, "PGPASSWORD", variable.Name, "a Pod's variables must contain no password")
		}
	}
	for _, kind := range []string{"reconcile", "confirm", "by"} {
		assert.Positive(t, runs[kind], kind)
	}
}

// checkConnectionStrings checks which tenants have a connection string in the app's Pods. Those that the
// browser and the load test use work.
func (d runningDemo) checkConnectionStrings(t *testing.T) {
	client := d.kubernetes(t).CoreV1()
	deployment, err := d.kubernetes(t).AppsV1().Deployments(workload.AppNamespace).Get(t.Context(), workload.App.Name, metav1.GetOptions{})
	require.NoError(t, err)
	var urls []string
	for _, volume := range deployment.Spec.Template.Spec.Volumes {
		for _, name := range secretsOf(volume) {
			secret, err := client.Secrets(workload.AppNamespace).Get(t.Context(), name, metav1.GetOptions{})
			require.NoError(t, err)
			for file, text := range secret.Data {
				if strings.HasSuffix(file, ".url") {
					urls = append(urls, strings.TrimSuffix(file, ".url"))
					assert.Contains(t, string(text), "sslmode=verify-full", file)
				}
			}
		}
	}
	assert.ElementsMatch(t, []string{"acme", "before", "beta", "delta", "gamma"}, urls, "a suspended tenant must not have a connection string")
}

// secretsOf returns the names of the Secrets in a volume.
func secretsOf(volume corev1.Volume) []string {
	var out []string
	if volume.Secret != nil {
		out = append(out, volume.Secret.SecretName)
	}
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			if source.Secret != nil {
				out = append(out, source.Secret.Name)
			}
		}
	}
	return out
}
