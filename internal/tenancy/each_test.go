package tenancy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// eachTenant runs each.sh for these tenants with the script step in place of archive.sh. It
// returns the folder with the files that each.sh has written.
func eachTenant(t *testing.T, step string, names ...string) (work string) {
	t.Helper()
	scripts, work := t.TempDir(), t.TempDir()
	text := tenancy.Files(nil, postgrestest.App, appConnections)["each.sh"]
	require.NoError(t, os.WriteFile(filepath.Join(scripts, "each.sh"), []byte(text), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(scripts, "step.sh"), []byte(step), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(work, "list"), []byte(strings.Join(names, "\n")+"\n"), 0o600))
	command := exec.Command("sh", "each.sh", "step")
	command.Dir = scripts
	command.Env = append(os.Environ(), "WORK="+work, "ARCHIVE=", "TENANT_SECONDS=1")
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	return work
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(text)
}

// If each of hundreds of locked tenants took 30 s, a run would take hours.
func TestTenantsAfterALockedOneWaitLess(t *testing.T) {
	t.Parallel()
	locked := strings.Split(strings.Repeat("locked ", 12)+"fine", " ")
	work := eachTenant(t, `echo "$LOCK_TIMEOUT" >> "$WORK/waits"
		[ "$1" = fine ] || { echo 'ERROR:  canceling statement due to "lock timeout"'; exit 1; }`, locked...)
	assert.Equal(t, "30s\n"+strings.Repeat("8s\n", 10)+"500ms\n500ms\n", readFile(t, work, "waits"))
	assert.Equal(t, strings.Repeat("locked,step,\"ERROR:  canceling statement due to 'lock timeout' \"\n", 12), readFile(t, work, "failures.csv"))
	assert.Equal(t, "fine\n", readFile(t, work, "done"))
}

func TestScriptThatIgnoresSIGTERMIsKilled(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	work := eachTenant(t, `[ "$1" = fine ] || { trap '' TERM; sleep 60; }`, "stubborn", "fine")
	assert.Less(t, time.Since(begun), 40*time.Second)
	assert.Regexp(t, `^stubborn,step,"(Killed )?it took longer than 1 s "\n$`, readFile(t, work, "failures.csv"))
	assert.Equal(t, "fine\n", readFile(t, work, "done"))
}

// Bytes that are no UTF-8 would stop the import of all failures.
func TestReasonOfAFailureIsASCII(t *testing.T) {
	t.Parallel()
	work := eachTenant(t, `echo "$1"; exit 1`, strings.Repeat("a", 998)+"€", "\xfc\tb")
	assert.Equal(t, strings.Repeat("a", 998)+"€,step,\""+strings.Repeat("a", 998)+"?? \"\n\xfc,step,\"? \"\n", readFile(t, work, "failures.csv"))
}

// each.sh ends early if it cannot write to its folder, or if it is killed. The tenants that it
// did not reach have no failure.
func TestTenantWhoseScriptDidNotEndIsNeitherArchivedNorPurgedNorRestored(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, tenants(settings.Tenant{Name: "acme", SampleData: true}))
	super := b.Superuser(t, postgrestest.Database)
	before := "active"
	for _, next := range []struct {
		step string
		acme settings.Tenant
	}{
		{"archive", settings.Tenant{Name: "acme", State: settings.Archived}},
		{"purge", settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}},
		{"restore", settings.Tenant{Name: "acme", Restore: true}},
	} {
		declared := tenants(next.acme)
		archive := filepath.Join(b.dir, "archive")
		require.NoError(t, os.MkdirAll(archive, 0o750))
		command := b.command(t, declared, archive)
		ends := `for file in failures.csv relations archived done; do : > "$WORK/$file"; done`
		require.NoError(t, os.WriteFile(filepath.Join(b.dir, "scripts", "each.sh"), []byte(ends), 0o600))
		out, err := command.CombinedOutput()
		assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, string(out)))
		assert.Contains(t, string(out), "acme | "+next.step+" | its script did not end: see the messages above")
		assert.Equal(t, before, ask[string](t, super, "SELECT state FROM platform.tenants"))
		b.must(t, declared)
		before = ask[string](t, super, "SELECT state FROM platform.tenants")
	}
	assert.Equal(t, 200, ask[int](t, super, "SELECT count(*) FROM tenant_acme.orders"))
}

// A program that was killed may leave its session on the server.
func TestSessionsOfAnOwnerEndWithItsScript(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	archive := filepath.Join(b.dir, "archive")
	require.NoError(t, os.MkdirAll(archive, 0o750))
	command := b.command(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}), archive)
	leaves := `for file in failures.csv relations archived done; do : > "$WORK/$file"; done
		[ "$1" = archive ] || exit 0
		PGUSER=owner_acme psql -X -q -c "SELECT 'left', pg_sleep(100)" > /dev/null 2>&1 &
		until psql -X -c "SELECT query FROM pg_stat_activity WHERE usename = 'owner_acme'" | grep -q left; do sleep 0.1; done`
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "scripts", "each.sh"), []byte(leaves), 0o600))
	out, err := command.CombinedOutput()
	assert.Equal(t, tenancy.ExitTenants, exitStatus(t, err, string(out)))
	assert.Contains(t, string(out), "end 1 sessions of owner_acme")
	assert.Zero(t, ask[int](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) FROM pg_stat_activity WHERE usename = 'owner_acme'"))
}
