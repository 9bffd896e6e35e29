package usage_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/usage"
	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const (
	seed   = "a seed that is only for tests"
	domain = "demo.platform.test"
	// retention is how many days VictoriaMetrics keeps metrics.
	retention = 30
)

// bed is a real PostgreSQL and a real VictoriaMetrics, with the files of both Jobs.
type bed struct {
	*postgrestest.Server
	dir, metrics string
	stop         func()
}

func newBed(t *testing.T, major int) *bed {
	t.Helper()
	b := &bed{Server: postgrestest.Start(t, major), dir: t.TempDir(), metrics: freeAddress(t)}
	b.startMetrics(t)
	return b
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// startMetrics starts VictoriaMetrics. Metrics that are written to it get the label tenant as
// those that it scrapes do in a stack.
func (b *bed) startMetrics(t *testing.T) {
	t.Helper()
	tools, err := build.Alerting("../..", os.Stderr)
	require.NoError(t, err)
	program, err := filepath.Abs(tools.VictoriaMetrics)
	require.NoError(t, err)
	relabel := filepath.Join(b.dir, "relabel.yaml")
	require.NoError(t, os.WriteFile(relabel, []byte("- source_labels: [router]\n  regex: "+routes.TenantRouters(domain)+"\n  target_label: tenant\n"), 0o600))
	command := exec.Command(program, "-storageDataPath="+filepath.Join(b.dir, "metrics"), "-httpListenAddr="+b.metrics,
		fmt.Sprintf("-retentionPeriod=%dd", retention), "-relabelConfig="+relabel, "-loggerLevel=ERROR")
	command.Stdout, command.Stderr = t.Output(), t.Output()
	require.NoError(t, command.Start())
	b.stop = sync.OnceFunc(func() {
		_ = command.Process.Signal(os.Interrupt)
		_ = command.Wait() // its status says that it was interrupted
	})
	t.Cleanup(b.stop)
	require.Eventually(t, func() bool {
		answer, err := http.Get("http://" + b.metrics + "/health")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond)
}

// write writes lines in Prometheus' text format. Each has a value and a time in milliseconds.
func (b *bed) write(t *testing.T, lines string) {
	t.Helper()
	answer, err := http.Post("http://"+b.metrics+"/api/v1/import/prometheus", "text/plain", strings.NewReader(lines))
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
}

// flush makes all samples visible to queries.
func (b *bed) flush(t *testing.T) {
	t.Helper()
	b.get(t, "/internal/force_flush")
}

func (b *bed) get(t *testing.T, path string) string {
	t.Helper()
	answer, err := http.Get("http://" + b.metrics + path)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", body)
	return string(body)
}

func tenants(of ...settings.Tenant) []settings.Tenant {
	for i := range of {
		of[i] = of[i].WithDefaults()
	}
	return of
}

func named(all ...string) []settings.Tenant {
	out := make([]settings.Tenant, len(all))
	for i, name := range all {
		out[i].Name = name
	}
	return tenants(out...)
}

func writeFiles(t *testing.T, folder string, files map[string]string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(folder, 0o750))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
}

// environment returns the variables that both Jobs get.
func (b *bed) environment(t *testing.T) []string {
	t.Helper()
	variables, err := tenancy.Environment(b.URL(postgrestest.Admin))
	require.NoError(t, err)
	out := append(os.Environ(), "PATH="+b.Clients(t)+":"+os.Getenv("PATH"))
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		out = append(out, name+"="+variables[name])
	}
	return out
}

// reconcile runs the reconcile Job, which must succeed.
func (b *bed) reconcile(t *testing.T, declared []settings.Tenant) {
	t.Helper()
	scripts, credentials, archive := filepath.Join(b.dir, "reconcile"), filepath.Join(b.dir, "credentials"), filepath.Join(b.dir, "archive")
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	passwords, err := tenancy.Passwords(b.URL(postgrestest.Admin), seed, declared)
	require.NoError(t, err)
	writeFiles(t, credentials, map[string]string{tenancy.VerifiersFile: verifiers, tenancy.PasswordsFile: passwords})
	writeFiles(t, scripts, tenancy.Files(declared, postgrestest.App, 6))
	require.NoError(t, os.MkdirAll(archive, 0o750))
	command := exec.Command("sh", filepath.Join(scripts, tenancy.Entrypoint))
	command.Env = append(b.environment(t), "RECONCILE="+scripts, "CREDENTIALS="+credentials, "ARCHIVE="+archive)
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// job returns the command of the usage Job. metrics is the address of VictoriaMetrics.
func (b *bed) job(t *testing.T, metrics string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	folder := filepath.Join(b.dir, "usage")
	writeFiles(t, folder, usage.Files())
	passwords, err := tenancy.Passwords(b.URL(postgrestest.Admin), seed, nil)
	require.NoError(t, err)
	writeFiles(t, b.dir, map[string]string{"pgpass": passwords})
	host, port, err := net.SplitHostPort(metrics)
	require.NoError(t, err)
	command := exec.Command("sh", filepath.Join(folder, usage.Entrypoint))
	command.Env = append(b.environment(t), usage.VariableFolder+"="+folder, usage.VariablePasswords+"="+filepath.Join(b.dir, "pgpass"),
		usage.VariableHost+"="+host, usage.VariablePort+"="+port, fmt.Sprintf("%s=%d", usage.VariableDays, retention))
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	return command, &out
}

// count runs the usage Job, which must succeed, and returns its output.
func (b *bed) count(t *testing.T) string {
	t.Helper()
	b.flush(t)
	command, out := b.job(t, b.metrics)
	err := command.Run()
	require.NoError(t, err, out.String())
	b.flush(t)
	return out.String()
}

// superuser returns a connection that sees everything.
func (b *bed) superuser(t *testing.T) *pgx.Conn {
	t.Helper()
	return b.Superuser(t, postgrestest.Database)
}

// since changes when counting began: the first day that is counted is n days ago.
func (b *bed) since(t *testing.T, n int) {
	t.Helper()
	run(t, b.superuser(t), fmt.Sprintf("UPDATE platform.usage_days SET day = (now() AT TIME ZONE 'UTC')::date - %d - 1", n))
}

// unwritten removes all days after n days ago, as if no run had written them.
func (b *bed) unwritten(t *testing.T, n int) {
	t.Helper()
	for _, table := range []string{"usage", "usage_days"} {
		run(t, b.superuser(t), fmt.Sprintf("DELETE FROM platform.%s WHERE day > (now() AT TIME ZONE 'UTC')::date - %d", table, n))
	}
}

// url returns a tenant's connection string.
func (b *bed) url(t *testing.T, tenant settings.Tenant) string {
	t.Helper()
	u, err := url.Parse(b.URL(postgrestest.Admin))
	require.NoError(t, err)
	u.User = url.UserPassword(names.SQL(tenant.Name), tenancy.Password(seed, tenant))
	return u.String()
}

func run(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}

func ask[T any](t *testing.T, conn *pgx.Conn, query string) T {
	t.Helper()
	var out T
	require.NoError(t, conn.QueryRow(context.Background(), query).Scan(&out), query)
	return out
}

// rows returns the result of a query, with a line for each row.
func rows(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	return ask[[]string](t, conn, "SELECT coalesce(array_agg(line), '{}') FROM (SELECT concat_ws(' ', "+query+") AS of")
}

// day returns the beginning (UTC) of the day n days ago.
func day(n int) time.Time { return time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -n) }
