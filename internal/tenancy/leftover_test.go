package tenancy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// An owner may log in only for a dump or a restore, and only the Job knows its password. A
// run removes both at its end, whether it succeeded or not.
func TestNoOwnerHasALoginOrAPasswordAfterARun(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	dump := archivedTenant(t, b)
	closed := func(after string) {
		t.Helper()
		assert.Zero(t, ask[int](t, b.Superuser(t, postgrestest.Database),
			"SELECT count(*) FROM pg_authid WHERE rolname ~ '^owner_' AND (rolcanlogin OR rolpassword IS NOT NULL)"), after)
	}
	closed("archive")
	purged := tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"})
	require.NoError(t, os.Rename(dump, dump+".away"))
	_, err := b.reconcile(t, purged)
	require.Error(t, err)
	closed("a purge that was refused")
	require.NoError(t, os.Rename(dump+".away", dump))
	b.must(t, purged)
	b.must(t, tenants(settings.Tenant{Name: "acme", Restore: true}))
	closed("restore")
}

// The script's temporary folder contains the administrator's password and all verifiers.
func TestReconcileLeavesNoTemporaryFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	b := newBed(t, 0).withVariables("TMPDIR=" + folder)
	_, success := b.reconcile(t, named("acme"))
	_, refusal := b.reconcile(t, tenants(settings.Tenant{Name: "acme", Restore: true}))
	_, broken := b.reconcile(t, tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "acme"})) // a duplicate key in SQL
	require.NoError(t, success)
	require.Error(t, refusal)
	require.Error(t, broken)
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// Partial dumps of killed runs would fill the volume. Complete dumps contain a customer's
// rows, so only the Job's user may read them.
func TestArchiveHasOnlyCompleteDumpsThatOnlyTheirOwnerCanRead(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	folder := filepath.Join(b.dir, "archive", "acme")
	require.NoError(t, os.MkdirAll(folder, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "20260101T000000Z.dump.part"), []byte("half a dump"), 0o600))
	archivedTenant(t, b)
	var kinds []string
	require.NoError(t, filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), entry.Name())
		_, kind, _ := strings.Cut(entry.Name(), ".")
		kinds = append(kinds, kind)
		return nil
	}))
	assert.ElementsMatch(t, []string{"dump", "dump.definitions", "dump.extras", "dump.sha256"}, kinds)
}

// The drill's database contains the tenant's rows for a short time. pg_hba.conf lets every
// role connect to every database.
func TestNoOtherTenantCanConnectToTheDrillsDatabase(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	declared := named("acme", "beta")
	b.must(t, declared)
	b.migrate(t, "acme", "CREATE FUNCTION slow(x int) RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(2) IS NOT NULL'",
		"CREATE TABLE items (id int CHECK (tenant_acme.slow(id)))", "INSERT INTO items VALUES (1)")
	ended := make(chan error)
	go func() {
		_, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Archived}, settings.Tenant{Name: "beta"}))
		ended <- err
	}()
	for denied := 0; ; {
		select {
		case err := <-ended:
			require.NoError(t, err)
			assert.Greater(t, denied, 10, "beta tried while the database existed")
			return
		case <-time.After(20 * time.Millisecond):
			err := loginError(t, b.url(t, declared[1]), "platform_drill")
			if assert.Error(t, err, "beta connected to the database with acme's rows") && strings.Contains(err.Error(), "permission denied for database") {
				denied++
			}
		}
	}
}
