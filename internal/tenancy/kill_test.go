package tenancy_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// The interrupted change has each kind of step: a tenant with a larger tier, a new one, one
// that is suspended, archived, purged or restored, and one that is no longer declared.
var (
	beforeKill = [][]settings.Tenant{
		tenants(settings.Tenant{Name: "old", SampleData: true}, settings.Tenant{Name: "back", SampleData: true}),
		tenants(settings.Tenant{Name: "old", State: settings.Archived}, settings.Tenant{Name: "back", State: settings.Archived},
			settings.Tenant{Name: "grows"}, settings.Tenant{Name: "pauses"}, settings.Tenant{Name: "leaves", SampleData: true}, settings.Tenant{Name: "vanishes"}),
	}
	// purgeBack purges the tenant back without a run of the script.
	purgeBack = []string{
		"DROP SCHEMA tenant_back CASCADE", "DROP OWNED BY tenant_back, owner_back", "DROP ROLE tenant_back, owner_back",
		"UPDATE platform.tenants SET state = 'purged', password = NULL WHERE name = 'back'",
	}
	afterKill = tenants(
		settings.Tenant{Name: "old", State: settings.Purged, ConfirmPurge: "old"}, settings.Tenant{Name: "back", Restore: true},
		settings.Tenant{Name: "grows", Plan: "growth", PasswordVersion: 2}, settings.Tenant{Name: "pauses", State: settings.Suspended},
		settings.Tenant{Name: "leaves", State: settings.Archived}, settings.Tenant{Name: "new", SampleData: true},
	)
)

// state describes all that the server stores about tenants, except times.
const state = `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
	SELECT format('role %s login=%s limit=%s %s', rolname, rolcanlogin, rolconnlimit, (SELECT setconfig::text FROM pg_db_role_setting WHERE setrole = a.oid))
		|| right(rolpassword, 20) AS line FROM pg_authid a WHERE rolname ~ '^(tenant|owner)_'
	UNION ALL SELECT format('member %s of %s', member::regrole, roleid::regrole) FROM pg_auth_members WHERE roleid::regrole::text ~ '^(tenant|owner)_'
	UNION ALL SELECT format('schema %s %s %s', nspname, nspowner::regrole, nspacl) FROM pg_namespace WHERE nspname ~ '^(tenant_|public)'
	UNION ALL SELECT format('relation %s %s', c.oid::regclass, relowner::regrole) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname ~ '^tenant_'
	UNION ALL SELECT format('database %s', datacl) FROM pg_database WHERE datname = current_database()
	UNION ALL SELECT format('record %s %s %s %s', name, state, archive->'tables', restored IS NOT NULL) FROM platform.tenants
) lines`

// reset drops everything that runs have created.
const reset = `DO $$
DECLARE r record;
BEGIN
	FOR r IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^(tenant_|platform)' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', r.nspname); END LOOP;
	FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '^(tenant|owner)_' LOOP
		EXECUTE format('DROP OWNED BY %I', r.rolname); EXECUTE format('DROP ROLE %I', r.rolname);
	END LOOP;
END $$`

// A kill after a statement is also a kill before the next one, so one kill for each statement
// would be enough. The test tries one statement in three, because each takes four runs. Several
// servers share the work, so that this test does not end long after all others.
func TestReconcileKilledAtAnyStatementIsCompletedByTheNextRun(t *testing.T) {
	t.Parallel()
	const servers, step = 4, 3
	for server := range servers {
		t.Run(fmt.Sprintf("server=%d", server), func(t *testing.T) {
			t.Parallel()
			b := newBed(t, 0)
			super := b.Superuser(t, postgrestest.Database)
			statements, want := b.interrupted(t, super, 0)
			require.Greater(t, statements, 100)
			for n := 1 + server*step; n <= statements; n += servers * step {
				_, got := b.interrupted(t, super, n)
				require.Equal(t, want, got, "killed at statement %d", n)
			}
			t.Logf("%d statements", statements)
		})
	}
}

// interrupted resets the server, and makes the change with a kill at the statement numbered
// at (0: no kill). Then it runs the change again. It returns the number of statements of the
// first run, and the state at the end.
func (b *bed) interrupted(t *testing.T, super *pgx.Conn, at int) (int, string) {
	t.Helper()
	_, err := super.Exec(context.Background(), reset)
	if err != nil { // autovacuum locks the same tables in another order
		run(t, super, reset)
	}
	for _, declared := range beforeKill {
		b.must(t, declared)
	}
	run(t, super, purgeBack...)
	p := newProxy(t, fmt.Sprintf("localhost:%d", b.Port), at)
	defer p.listener.Close()
	b.port = p.port()
	out, err := b.reconcile(t, afterKill)
	b.port = 0
	if at == 0 || err == nil { // the answer to the last statement may be faster than the kill
		require.NoError(t, err, out)
		require.Contains(t, out, "all as declared", "killed at statement %d", at)
	}
	b.must(t, afterKill)
	return p.statements(), ask[string](t, super, state)
}
