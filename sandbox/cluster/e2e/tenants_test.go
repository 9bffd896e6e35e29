package e2e_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// declareTenants adds tenants to the stack, so that it has an active one (acme), a suspended
// one (gone), and a renamed one that redirects its old host (before, now after).
func (s liveStack) declareTenants(t *testing.T) {
	t.Helper()
	const before, after = "      - name: before\n", "      - name: after\n        renamedFrom: before\n        redirectOldHost: true\n"
	const gone = "      - name: gone\n        state: suspended\n" + before
	if s.Name == "demo" {
		s.Edit(t, "      - name: acme\n", gone+"      - name: acme\n")
	} else {
		s.Edit(t, "    capacity:", "    tenants:\n"+gone+"      - name: acme\n    capacity:")
	}
	s.Up(t)
	s.Edit(t, before, after)
	s.Up(t)
}

// checkTenants runs the containers of the Jobs and of a scheduled run against a real
// PostgreSQL. Then it logs in with the connection string that is mounted into the app's Pods.
func (i images) checkTenants(t *testing.T) {
	server := postgrestest.Start(t, 0)
	scheduled := i.scheduledPod(t)
	assert.Contains(t, i.reconcile(t, server, scheduled), "no update has run yet; nothing was changed")
	assert.Contains(t, i.reconcile(t, server, i.jobPod(t, "^reconcile-[0-9a-f]{10}$")), "tenants: 3 declared, all as declared")
	assert.Contains(t, i.reconcile(t, server, i.jobPod(t, "^confirm-")), "tenants: 3 declared, all as declared")
	_, err := server.Superuser(t, postgrestest.Database).Exec(t.Context(), "ALTER ROLE tenant_gone LOGIN")
	require.NoError(t, err)
	output := i.reconcile(t, server, scheduled)
	assert.Contains(t, output, "ALTER ROLE tenant_gone NOLOGIN")
	assert.Contains(t, output, "tenants: 3 declared, all as declared")

	folder := i.mountVolumes(t, i.pod(t, workload.AppNamespace, "app")).localPath(workload.TenantsPath)
	list, err := os.ReadFile(folder + "/tenants.json")
	require.NoError(t, err)
	assert.Contains(t, string(list), `"name":"gone"`)
	assert.NoFileExists(t, folder+"/gone.url", "a suspended tenant must not have a connection string")
	text, err := os.ReadFile(folder + "/acme.url")
	require.NoError(t, err)
	connection, err := url.Parse(string(text))
	require.NoError(t, err)
	assert.Equal(t, "verify-full", connection.Query().Get("sslmode"))
	connection.Host = "localhost:" + strconv.Itoa(server.Port)
	connection.RawQuery = url.Values{"sslmode": {"verify-full"}, "sslrootcert": {server.CA}}.Encode()
	var role, schema string
	require.NoError(t, postgrestest.Connect(t, connection.String()).QueryRow(t.Context(), "SELECT current_user, current_schema()").Scan(&role, &schema))
	assert.Equal(t, "tenant_acme", role)
	assert.Equal(t, "tenant_acme", schema)
}

// jobPod returns the Pod of a Job whose name matches a regular expression. The names of
// scheduled Jobs end with eight digits.
func (s liveStack) jobPod(t *testing.T, name string) corev1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods(workload.TenantsNamespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	n := slices.IndexFunc(list.Items, func(p corev1.Pod) bool {
		return len(p.OwnerReferences) == 1 && p.OwnerReferences[0].Kind == "Job" && regexp.MustCompile(name).MatchString(p.OwnerReferences[0].Name)
	})
	require.GreaterOrEqual(t, n, 0, "no Job %s has a Pod", name)
	return list.Items[n]
}

// scheduledPod starts a scheduled run by hand, as `kubectl create job --from` does, waits
// until it is complete, and returns its Pod.
func (s liveStack) scheduledPod(t *testing.T) corev1.Pod {
	t.Helper()
	schedule, err := s.client.BatchV1().CronJobs(workload.TenantsNamespace).Get(t.Context(), "reconcile", metav1.GetOptions{})
	require.NoError(t, err)
	jobs := s.client.BatchV1().Jobs(workload.TenantsNamespace)
	const name = "by-hand"
	_, err = jobs.Create(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: schedule.Spec.JobTemplate.Spec}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		background := metav1.DeletePropagationBackground
		assert.NoError(t, jobs.Delete(context.Background(), name, metav1.DeleteOptions{PropagationPolicy: &background}))
	})
	require.Eventually(t, func() bool {
		job, err := jobs.Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		return job.Status.Succeeded == 1
	}, time.Minute, 100*time.Millisecond, "a scheduled run must complete")
	return s.jobPod(t, name)
}

// reconcile runs the program of a Pod's container with its files and variables, and returns
// the output. It connects to server instead of the server in the variables.
func (i images) reconcile(t *testing.T, server *postgrestest.Server, pod corev1.Pod) string {
	t.Helper()
	container, m := pod.Spec.Containers[0], i.mountVolumes(t, pod)
	environment := map[string]string{}
	for _, from := range container.EnvFrom {
		secret, err := i.client.CoreV1().Secrets(pod.Namespace).Get(t.Context(), from.SecretRef.Name, metav1.GetOptions{})
		require.NoError(t, err)
		for name, value := range secret.Data {
			environment[name] = string(value)
		}
	}
	for _, variable := range container.Env {
		environment[variable.Name] = m.localPath(variable.Value)
	}
	assert.NotContains(t, environment, "PGPASSWORD", "a Pod's variables must contain no password")
	passwords, err := os.ReadFile(filepath.Join(environment["CREDENTIALS"], tenancy.PasswordsFile))
	require.NoError(t, err)
	_, password, found := strings.Cut(strings.TrimSpace(string(passwords)), "*:*:*:"+postgrestest.Admin+":")
	require.True(t, found)
	password, _, _ = strings.Cut(password, "\n")
	_, err = server.Superuser(t, "postgres").Exec(t.Context(), "ALTER ROLE "+postgrestest.Admin+" PASSWORD '"+password+"'")
	require.NoError(t, err)
	assert.Equal(t, pgurl.CAPath, environment["PGSSLROOTCERT"])
	environment["PGHOST"], environment["PGPORT"], environment["PGSSLROOTCERT"] = "localhost", strconv.Itoa(server.Port), server.CA
	cmd := exec.Command(container.Command[0], m.localPath(container.Command[1]))
	cmd.Env = append(os.Environ(), "PATH="+postgrestest.Installed(t)+":"+os.Getenv("PATH"))
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
