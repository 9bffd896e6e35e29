package migrate_test

import (
	"context"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

func runner(t *testing.T, s *pgtest.Server, files fstest.MapFS) *migrate.Runner {
	t.Helper()
	var r *migrate.Runner
	var err error
	if files == nil {
		r, err = migrate.New(s.AppURL(), nil)
	} else {
		r, err = migrate.New(s.AppURL(), files)
	}
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

func file(sql string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(sql)} }

func list(t *testing.T, s *pgtest.Server) []tenants.Tenant {
	t.Helper()
	registry, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	return registry.All()
}

func TestMigrationsRunAsTheOwnerOfEachSchema(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta-two")
	r := runner(t, s, nil)
	for _, state := range r.Run(context.Background(), list(t, s)) {
		assert.True(t, state.Migrated(), state)
		assert.EqualValues(t, 4, state.Version)
	}
	conn := s.Admin(t)
	var owner string
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT tableowner FROM pg_tables WHERE schemaname = 'tenant_beta_two' AND tablename = 'runs'").Scan(&owner))
	assert.Equal(t, "owner_beta_two", owner)
	var reads bool
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT has_table_privilege('tenant_acme', 'tenant_acme.agenthq_version', 'SELECT')").Scan(&reads))
	assert.False(t, reads, "the login must not use the version table")
	var leftover int
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&leftover))
	assert.Zero(t, leftover)
}

func TestAFailureStopsItsTenantOnlyAndChangesNothing(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	conn := s.Admin(t)
	_, err := conn.Exec(context.Background(), "CREATE TABLE tenant_acme.second (id int)")
	require.NoError(t, err)
	r := runner(t, s, fstest.MapFS{"001_a.sql": file("CREATE TABLE first (id int)"), "002_b.sql": file("CREATE TABLE third (id int); CREATE TABLE second (id int)")})
	states := r.Run(context.Background(), list(t, s))
	require.Len(t, states, 2)
	assert.Contains(t, states[0].Fault, `relation "second" already exists`)
	assert.True(t, states[1].Migrated(), "beta: %v", states[1])
	var exists bool
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT to_regclass('tenant_acme.third') IS NOT NULL").Scan(&exists))
	assert.False(t, exists, "a failed migration is rolled back")

	_, err = conn.Exec(context.Background(), "DROP TABLE tenant_acme.second")
	require.NoError(t, err)
	for _, state := range r.Run(context.Background(), list(t, s)) {
		assert.True(t, state.Migrated(), "the next run tries again: %v", state)
	}
	_, ended := r.States()
	assert.True(t, ended)
}

func TestTwoRunnersAtOnceApplyEachMigrationOnce(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	tenants := list(t, s)
	var all sync.WaitGroup
	for range 3 {
		r := runner(t, s, nil)
		all.Go(func() {
			for _, state := range r.Run(context.Background(), tenants) {
				assert.True(t, state.Migrated(), state)
			}
		})
	}
	all.Wait()
	var rows, versions int
	require.NoError(t, s.Admin(t).QueryRow(context.Background(),
		"SELECT count(*), count(DISTINCT version_id) FROM tenant_acme.agenthq_version").Scan(&rows, &versions))
	assert.Equal(t, versions, rows)
}

func TestSuspendedTenantsAreNotMigrated(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	s.Suspend(t, "beta")
	states := runner(t, s, nil).Run(context.Background(), list(t, s))
	require.Len(t, states, 1)
	assert.Equal(t, "acme", states[0].Tenant)
}

func TestALockedSchemaDelaysTheOthersForSecondsOnly(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	r := runner(t, s, fstest.MapFS{"001_a.sql": file("CREATE TABLE a (id int)")})
	r.Run(context.Background(), list(t, s))
	held, err := s.Admin(t).Begin(context.Background())
	require.NoError(t, err)
	defer func() { _ = held.Rollback(context.Background()) }()
	_, err = held.Exec(context.Background(), "LOCK TABLE tenant_acme.a")
	require.NoError(t, err)
	next := runner(t, s, fstest.MapFS{"001_a.sql": file("CREATE TABLE a (id int)"), "002_b.sql": file("ALTER TABLE a ADD b int")})
	states := next.Run(context.Background(), list(t, s))
	assert.Contains(t, states[0].Fault, "lock timeout")
	assert.True(t, states[1].Migrated())
}

func TestSingleTenantModeMigratesTheSchemaOfDatabaseURL(t *testing.T) {
	s := pgtest.Start(t)
	_, err := s.Admin(t).Exec(context.Background(), "GRANT ALL ON SCHEMA public TO app")
	require.NoError(t, err)
	state := runner(t, s, nil).Run(context.Background(), tenants.OpenSingle(s.AppURL()).All())[0]
	assert.True(t, state.Migrated(), state)
}

func TestATenantThatOwnsItsSchemaIsMigratedInItsOwnSessions(t *testing.T) {
	s := pgtest.Start(t, "acme", "own-er")
	s.OwnSchema(t, "own-er")
	s.Pool(t)
	r := runner(t, s, nil)
	for range 2 {
		for _, state := range r.Run(context.Background(), list(t, s)) {
			assert.True(t, state.Migrated(), state)
		}
	}
	var owner string
	require.NoError(t, s.Admin(t).QueryRow(context.Background(), "SELECT tableowner FROM pg_tables WHERE schemaname = 'tenant_own_er' AND tablename = 'runs'").Scan(&owner))
	assert.Equal(t, "owner_own_er", owner)
}

func TestATenantWhoseOwnerNobodyMayBecomeFailsAlone(t *testing.T) {
	s := pgtest.Start(t, "acme", "stuck")
	s.Run(t, "REVOKE owner_stuck FROM app")
	states := runner(t, s, nil).Run(context.Background(), list(t, s))
	assert.True(t, states[0].Migrated(), states[0])
	assert.Contains(t, states[1].Fault, `permission denied to set role "owner_stuck"`)
}
