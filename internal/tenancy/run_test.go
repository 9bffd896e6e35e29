package tenancy_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const seed = "a seed that is only for tests"

// appConnections is the number of connections that a plan with two replicas counts for the
// app's own role.
const appConnections = 6

// bed is a test bed: a PostgreSQL server, and the folders of the reconcile Job.
type bed struct {
	*postgrestest.Server
	dir string
	// port is the port of a proxy to the server; 0 for none.
	port int
	// variables are additional variables of the Entrypoint, as NAME=value.
	variables []string
	// last has the cost of the last run.
	last struct {
		// peak is the memory of the largest process in MiB.
		peak int64
		// time is the duration, cpu the CPU time of the run's processes (psql and the shell).
		time, cpu time.Duration
	}
}

func newBed(t testing.TB, major int) *bed {
	t.Helper()
	return &bed{Server: postgrestest.Start(t, major), dir: t.TempDir()}
}

// tenants sets the defaults of a stack file in these tenants.
func tenants(of ...settings.Tenant) []settings.Tenant {
	for i := range of {
		of[i] = of[i].WithDefaults()
	}
	return of
}

// named declares tenants with defaults by their names.
func named(names ...string) []settings.Tenant {
	out := make([]settings.Tenant, len(names))
	for i, name := range names {
		out[i].Name = name
	}
	return tenants(out...)
}

// reconcile runs the Entrypoint as the Job does, and returns its output.
func (b *bed) reconcile(t testing.TB, declared []settings.Tenant) (string, error) {
	t.Helper()
	archive := filepath.Join(b.dir, "archive")
	require.NoError(t, os.MkdirAll(archive, 0o750))
	return b.reconcileInto(t, declared, archive)
}

func (b *bed) reconcileInto(t testing.TB, declared []settings.Tenant, archive string) (string, error) {
	t.Helper()
	command := b.command(t, declared, archive)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	begun := time.Now()
	err := command.Run()
	b.last.time, b.last.cpu = time.Since(begun), command.ProcessState.UserTime()+command.ProcessState.SystemTime()
	b.last.peak = command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	return out.String(), err
}

// command writes the Job's files, and returns the command that the Job starts.
func (b *bed) command(t testing.TB, declared []settings.Tenant, archive string) *exec.Cmd {
	t.Helper()
	credentials, scripts := filepath.Join(b.dir, "credentials"), filepath.Join(b.dir, "scripts")
	for _, folder := range []string{credentials, scripts} {
		require.NoError(t, os.MkdirAll(folder, 0o750))
	}
	for name, text := range tenancy.Files(declared, postgrestest.App, appConnections) {
		require.NoError(t, os.WriteFile(filepath.Join(scripts, name), []byte(text), 0o600))
	}
	verifiers, err := tenancy.Verifiers(seed, declared)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(credentials, tenancy.VerifiersFile), []byte(verifiers), 0o600))
	passwords, err := tenancy.Passwords(b.URL(postgrestest.Admin), seed, declared)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(credentials, tenancy.PasswordsFile), []byte(passwords), 0o600))
	command := exec.Command("sh", filepath.Join(scripts, tenancy.Entrypoint))
	command.Env = append(os.Environ(), "RECONCILE="+scripts, "CREDENTIALS="+credentials, "ARCHIVE="+archive,
		"PATH="+b.Clients(t)+":"+os.Getenv("PATH"))
	command.Env = append(command.Env, b.environment(t, postgrestest.Admin)...)
	command.Env = append(command.Env, b.variables...)
	return command
}

// environment returns variables of libpq for a role. They use the proxy if there is one.
func (b *bed) environment(t testing.TB, role string) []string {
	t.Helper()
	variables, err := tenancy.Environment(b.URL(role))
	require.NoError(t, err)
	if b.port != 0 {
		variables["PGPORT"], variables["PGSSLMODE"] = fmt.Sprint(b.port), "disable"
	}
	var out []string
	for name, value := range variables {
		out = append(out, name+"="+value)
	}
	return out
}

// password returns PGPASSWORD=value for a role that is not in the Job's password file.
func (b *bed) password(t testing.TB, role string) string {
	t.Helper()
	u, err := url.Parse(b.URL(role))
	require.NoError(t, err)
	password, _ := u.User.Password()
	return "PGPASSWORD=" + password
}

// client returns psql with a role's session.
func (b *bed) client(t testing.TB, role string) *exec.Cmd {
	t.Helper()
	command := exec.Command(b.Clients(t)+"/psql", "-X", "-q")
	command.Env = append(os.Environ(), b.environment(t, role)...)
	command.Env = append(command.Env, b.password(t, role))
	return command
}

// must runs reconcile, which must succeed. It returns the changes that the run reports.
func (b *bed) must(t testing.TB, declared []settings.Tenant) []string {
	t.Helper()
	out, err := b.reconcile(t, declared)
	require.NoError(t, err, out)
	var changes []string
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		if text, ok := strings.CutPrefix(line, "INFO:  "); ok && !strings.Contains(text, "all as declared") {
			changes = append(changes, text)
		}
	}
	return changes
}

// url returns a tenant's connection string to the server, without the pooler.
func (b *bed) url(t testing.TB, tenant settings.Tenant) string {
	t.Helper()
	u, err := url.Parse(b.URL(postgrestest.Admin))
	require.NoError(t, err)
	u.User = url.UserPassword(names.SQL(tenant.Name), tenancy.Password(seed, tenant))
	return u.String()
}

// migrate runs statements as an app's migration does: in a transaction of the app's role,
// which acts as the owner of the tenant's schema.
func (b *bed) migrate(t testing.TB, tenant string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), b.URL(postgrestest.App))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	run(t, conn, "BEGIN", "SET LOCAL ROLE "+names.Owner(tenant), "SET LOCAL search_path = "+names.SQL(tenant))
	run(t, conn, statements...)
	run(t, conn, "COMMIT")
}
