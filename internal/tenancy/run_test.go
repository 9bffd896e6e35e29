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

// appConnections is what a plan with two replicas counts for the app's own role.
const appConnections = 6

// bed is a server and the folders of the reconcile Job.
type bed struct {
	*postgrestest.Server
	dir string
	// port replaces the server's, for a proxy before it.
	port int
	// variables are more of the Entrypoint's.
	variables []string
	// last is what the last run took.
	last struct {
		// peak is the memory of its largest process in MiB.
		peak int64
		// time on the clock, and that of its processes: psql and the shell.
		time, cpu time.Duration
	}
}

func newBed(t testing.TB, major int) *bed {
	t.Helper()
	return &bed{Server: postgrestest.Start(t, major), dir: t.TempDir()}
}

func tenants(of ...settings.Tenant) []settings.Tenant {
	for i := range of {
		of[i] = of[i].WithDefaults()
	}
	return of
}

func named(names ...string) []settings.Tenant {
	out := make([]settings.Tenant, len(names))
	for i, name := range names {
		out[i].Name = name
	}
	return tenants(out...)
}

// reconcile runs what the Job runs, and returns what it said.
func (b *bed) reconcile(t testing.TB, declared []settings.Tenant) (string, error) {
	t.Helper()
	archive := filepath.Join(b.dir, "archive")
	require.NoError(t, os.MkdirAll(archive, 0o750))
	return b.reconcileInto(t, declared, archive)
}

func (b *bed) reconcileInto(t testing.TB, declared []settings.Tenant, archive string) (string, error) {
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
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	begun := time.Now()
	err = command.Run()
	b.last.time, b.last.cpu = time.Since(begun), command.ProcessState.UserTime()+command.ProcessState.SystemTime()
	b.last.peak = command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
	return out.String(), err
}

// environment connects libpq as a role, by the proxy if there is one.
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

// password is PGPASSWORD for a role that has no line in the Job's password file.
func (b *bed) password(t testing.TB, role string) string {
	t.Helper()
	u, err := url.Parse(b.URL(role))
	require.NoError(t, err)
	password, _ := u.User.Password()
	return "PGPASSWORD=" + password
}

// must is reconcile that succeeds; it returns the changes that were made.
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

// url logs in as a tenant without the pooler.
func (b *bed) url(t testing.TB, tenant settings.Tenant) string {
	t.Helper()
	u, err := url.Parse(b.URL(postgrestest.Admin))
	require.NoError(t, err)
	u.User = url.UserPassword(names.SQL(tenant.Name), tenancy.Password(seed, tenant))
	return u.String()
}

// migrate runs statements as an app's migration does: in a transaction of the app's
// role, as the owner of the tenant's schema.
func (b *bed) migrate(t testing.TB, tenant string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), b.URL(postgrestest.App))
	require.NoError(t, err)
	defer conn.Close(context.Background())
	run(t, conn, "BEGIN", "SET LOCAL ROLE "+names.Owner(tenant), "SET LOCAL search_path = "+names.SQL(tenant))
	run(t, conn, statements...)
	run(t, conn, "COMMIT")
}
