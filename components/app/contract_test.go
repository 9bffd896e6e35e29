package app_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/postgrestest"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// The tests of the contract run the programs of two images as their Pods would: with the declared
// environment, files, user and probes. AgentHQ uses all that the platform gives. podinfo shows that
// an image needs to know nothing of the platform.
func TestAgentHQFulfilsTheContract(t *testing.T) {
	checkContract(t, programs(t).AgentHQ, loadApp(t, ""), "/sign-in")
}

func TestPodinfoFulfilsTheContractWithTheSettingsOfTheDocument(t *testing.T) {
	contract, err := os.ReadFile("../../docs/app-contract.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(app:\n.*?)```").FindStringSubmatch(string(contract))
	require.NotNil(t, block, "the document has an example of app: with podinfo")
	a := loadApp(t, block[1])
	program := programs(t).Podinfo
	version, err := exec.Command(program, "--version").Output()
	require.NoError(t, err)
	assert.Equal(t, "ghcr.io/stefanprodan/podinfo:"+strings.TrimSpace(string(version)), a.Image, "the version of tools/podinfo")
	checkContract(t, program, a, "/echo")
}

func programs(t *testing.T) build.AppPrograms {
	t.Helper()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	apps, err := build.Apps(root, os.Stderr)
	require.NoError(t, err)
	return apps
}

// loadApp returns the settings of a stack file with the block app, with all defaults.
func loadApp(t *testing.T, block string) settings.App {
	t.Helper()
	s, err := settings.Load([]byte("domain: a.genericcorp.com\nzone: genericcorp.com\nemail: a@genericcorp.com\n" + block))
	require.NoError(t, err)
	return s.App
}

// checkContract runs a program, and checks what docs/app-contract.md says. slow is the path of a POST
// whose body the program reads.
func checkContract(t *testing.T, executable string, s settings.App, slow string) {
	database := postgrestest.Start(t, 0)
	p := newPod(t, database, s)
	p.start(t, executable)
	t.Run("probes", func(t *testing.T) { p.checkProbes(t) })
	t.Run("hosts", func(t *testing.T) { p.checkHosts(t) })
	t.Run("metrics", func(t *testing.T) { p.checkMetrics(t) })
	t.Run("connections", func(t *testing.T) { checkConnections(t, database, s.DatabasePool) })
	t.Run("stop", func(t *testing.T) { p.checkStop(t, slow) })
}

const domain = "demo.example.com"

// newPod declares the app with the tenant acme, and writes the Pod's files.
func newPod(t *testing.T, database *postgrestest.Server, s settings.App) *pod {
	t.Helper()
	folder := openFolder(t)
	ca := copyFile(t, database.CA, folder, 0o644)
	url := func(role, password string) pulumi.String {
		return pulumi.String(fmt.Sprintf("postgresql://%s:%s@localhost:%d/%s?sslmode=verify-full&sslrootcert=%s", role, password, database.Port, postgrestest.Database, ca))
	}
	conn := database.Superuser(t, postgrestest.Database)
	for _, statement := range []string{
		"CREATE ROLE owner_acme", "CREATE ROLE tenant_acme LOGIN PASSWORD 'p'", "GRANT owner_acme TO app", "ALTER ROLE app PASSWORD 'p'",
		"CREATE SCHEMA tenant_acme AUTHORIZATION owner_acme", "GRANT USAGE ON SCHEMA tenant_acme TO tenant_acme", "ALTER ROLE tenant_acme SET search_path = tenant_acme",
		"ALTER DEFAULT PRIVILEGES FOR ROLE owner_acme IN SCHEMA tenant_acme GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO tenant_acme",
	} {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
	a := args()
	a.Image, a.HealthPath, a.ReadyPath, a.MetricsPath = s.Image, s.HealthPath, s.ReadyPath, s.MetricsPath
	a.Domain, a.Tenants, a.DatabaseURL = domain, tenants("acme:active"), url("app", "p")
	a.TenantURLs = pulumi.StringMap{"acme.url": url("tenant_acme", "p")}
	a.Port, a.Env = freePort(t), map[string]string{}
	for name, value := range s.Env {
		// The declared port may be in use on this machine.
		if a.Env[name] = value; value == strconv.Itoa(s.Port) {
			a.Env[name] = strconv.Itoa(a.Port)
		}
	}
	p := &pod{declared: declared(t, a), folder: folder, port: a.Port}
	p.readDeployment(t, ca)
	return p
}

func (p *pod) checkProbes(t *testing.T) {
	for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
		path := pulumitest.Dig(p.container, probe+".httpGet.path").(string)
		require.Eventually(t, func() bool { return p.get(t, "", path).status == http.StatusOK }, time.Minute, 50*time.Millisecond, "%s at %s", probe, path)
	}
}

func (p *pod) checkHosts(t *testing.T) {
	for _, host := range []string{domain, "acme." + domain} {
		require.Eventually(t, func() bool { return p.get(t, host, "/").status < http.StatusBadRequest }, time.Minute, 100*time.Millisecond, host)
	}
}

var sample = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [0-9eE+.NaIinf-]+$`)

func (p *pod) checkMetrics(t *testing.T) {
	path := p.annotation("prometheus.io/path")
	assert.Equal(t, strconv.Itoa(p.port), p.annotation("prometheus.io/port"))
	r := p.get(t, "", path)
	require.Equal(t, http.StatusOK, r.status)
	samples := 0
	for line := range strings.Lines(r.body) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			require.Regexp(t, sample, line)
			samples++
		}
	}
	assert.Greater(t, samples, 10)
}

// checkConnections counts the connections with DATABASE_URL for two seconds.
func checkConnections(t *testing.T, database *postgrestest.Server, most int) {
	conn := database.Superuser(t, postgrestest.Database)
	for range 100 {
		var open int
		require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'").Scan(&open))
		require.LessOrEqual(t, open, most, "app.databasePool")
		time.Sleep(20 * time.Millisecond)
	}
}
