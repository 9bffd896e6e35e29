package tenancy_test

import (
	"os"
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

// prefix puts text before one of the files that command has written.
func (b *bed) prefix(t *testing.T, file, text string) {
	t.Helper()
	path := filepath.Join(b.dir, "scripts", file)
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append([]byte(text+"\n"), old...), 0o600))
}

// An update that begins again has waited. A newer update may have run meanwhile.
func TestUpdateThatBeginsAgainIsRefusedIfANewerOneRanMeanwhile(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "CREATE SEQUENCE public.attempts", "GRANT ALL ON SEQUENCE public.attempts TO PUBLIC")
	older := b.command(t, named("acme"), filepath.Join(b.dir, "archive"))
	b.prefix(t, "declared.sql", `DO $$ BEGIN
		IF nextval('public.attempts') = 1 THEN PERFORM pg_sleep(3); RAISE EXCEPTION 'out of shared memory'; END IF;
	END $$;`)
	var out strings.Builder
	older.Stdout, older.Stderr = &out, &out
	require.NoError(t, older.Start())
	require.Eventually(t, func() bool { return ask[bool](t, super, "SELECT is_called FROM public.attempts") }, 10*time.Second, 10*time.Millisecond)
	newer := &bed{Server: b.Server, dir: t.TempDir()}
	newer.must(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}))
	err := older.Wait()
	assert.Equal(t, tenancy.ExitRefused, exitStatus(t, err, out.String()), out.String())
	assert.Equal(t, "suspended", ask[string](t, super, "SELECT state FROM platform.tenants"))
}
