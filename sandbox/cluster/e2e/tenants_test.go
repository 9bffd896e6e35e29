package e2e_test

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/postgrestest"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

// declareTenants makes sure of one that is active, one that is suspended, and one
// that was renamed and redirects its old host.
func (s stage) declareTenants(t *testing.T) {
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

// tenants runs the container of the Job against a real PostgreSQL, then logs in
// with the connection string that the app finds in its folder.
func (i images) tenants(t *testing.T) {
	server := postgrestest.Start(t, 0)
	said := i.reconcile(t, server)
	assert.Contains(t, said, "tenants: 3 declared, all as declared")

	folder := i.mount(t, i.pod(t, workload.AppNamespace, "app")).here(workload.TenantsPath)
	list, err := os.ReadFile(folder + "/tenants.json")
	require.NoError(t, err)
	assert.Contains(t, string(list), `"name":"gone"`)
	assert.NoFileExists(t, folder+"/gone.url", "a suspended tenant has no way in")
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

// reconcile runs the Job's container with its own files and variables, and returns
// what it said. The server takes the place of the one that they name.
func (i images) reconcile(t *testing.T, server *postgrestest.Server) string {
	t.Helper()
	pod := i.pod(t, workload.TenantsNamespace, "reconcile")
	container, m := pod.Spec.Containers[0], i.mount(t, pod)
	environment := map[string]string{}
	for _, from := range container.EnvFrom {
		secret, err := i.client.CoreV1().Secrets(pod.Namespace).Get(t.Context(), from.SecretRef.Name, metav1.GetOptions{})
		require.NoError(t, err)
		for name, value := range secret.Data {
			environment[name] = string(value)
		}
	}
	for _, variable := range container.Env {
		environment[variable.Name] = m.here(variable.Value)
	}
	assert.NotContains(t, environment, "PGPASSWORD", "whoever sees a Pod's variables sees no password")
	passwords, err := os.ReadFile(filepath.Join(environment["CREDENTIALS"], tenancy.PasswordsFile))
	require.NoError(t, err)
	_, password, found := strings.Cut(strings.TrimSpace(string(passwords)), "*:*:*:"+postgrestest.Admin+":")
	require.True(t, found)
	password, _, _ = strings.Cut(password, "\n")
	_, err = server.Superuser(t, "postgres").Exec(t.Context(), "ALTER ROLE "+postgrestest.Admin+" PASSWORD '"+password+"'")
	require.NoError(t, err)
	assert.Equal(t, pgurl.CAPath, environment["PGSSLROOTCERT"])
	environment["PGHOST"], environment["PGPORT"], environment["PGSSLROOTCERT"] = "localhost", strconv.Itoa(server.Port), server.CA
	cmd := exec.Command(container.Command[0], m.here(container.Command[1]))
	cmd.Env = append(os.Environ(), "PATH="+postgrestest.Installed(t)+":"+os.Getenv("PATH"))
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
