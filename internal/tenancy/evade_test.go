package tenancy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// fillAfterTheLook waits until a run has created its temporary tables. Then it fills the table
// of locks until the run's session has ended.
const fillAfterTheLook = `DO $$
DECLARE
	seen oid := 0;
	found oid;
BEGIN
	LOOP
		SELECT max(oid) INTO found FROM pg_class WHERE relname = 'parameters' AND relpersistence = 't';
		IF found > seen THEN
			seen := found;
			FOR i IN 1 .. 400 LOOP
				BEGIN
					PERFORM pg_advisory_lock(g) FROM generate_series(i * 100000, i * 100000 + 99999) g;
				EXCEPTION WHEN out_of_memory THEN NULL;
				END;
				PERFORM pg_stat_clear_snapshot();
				EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_get_activity(NULL) WHERE usesysid = 'doadmin'::regrole);
				PERFORM pg_sleep(0.005);
			END LOOP;
			PERFORM pg_advisory_unlock_all();
		END IF;
		PERFORM pg_sleep(0.001);
	END LOOP;
END $$`

// A tenant sees in pg_class that a run is past locks.sql: it has created its temporary tables.
func TestTenantThatFillsTheLockTableOnlyAfterTheRunHasLookedIsSuspended(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme", "beta")
	b.must(t, declared)
	p := newPoolerWith(t, b, declared, 20)
	stop := repeat(t, p.url(t, declared[0]), 1, fillAfterTheLook)
	require.Eventually(t, func() bool {
		return ask[bool](t, b.Superuser(t, postgrestest.Database), "SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'tenant_acme' AND state = 'active'")
	}, 10*time.Second, 100*time.Millisecond)
	begun := time.Now()
	out, err := b.reconcile(t, tenants(settings.Tenant{Name: "acme", State: settings.Suspended}, settings.Tenant{Name: "beta"}))
	stop()
	t.Logf("%s, %v\n%s", time.Since(begun), err, out)
	require.NoError(t, err, out)
	require.ErrorContains(t, loginError(t, b.url(t, declared[0]), postgrestest.Database), "not permitted to log in")
}
