package migrate_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

var (
	older = fstest.MapFS{"001_a.sql": file("CREATE TABLE a (id int)")}
	newer = fstest.MapFS{"001_a.sql": older["001_a.sql"], "002_b.sql": file("ALTER TABLE a ADD b int")}
)

func one(t *testing.T, s *pgtest.Server, query string) string {
	t.Helper()
	var text string
	require.NoError(t, s.Admin(t).QueryRow(context.Background(), query).Scan(&text))
	return text
}

func TestAProcessThatStartsRefusesTheSchemaOfANewerVersionAndChangesNothing(t *testing.T) {
	s := pgtest.Start(t, "acme", "beta")
	assert.True(t, runner(t, s, newer).Run(context.Background(), list(t, s)[:1])[0].Migrated())
	const all = "SELECT string_agg(v::text, ' ' ORDER BY id) FROM tenant_acme.agenthq_version v"
	before := one(t, s, all)
	r := runner(t, s, older)
	for range 2 {
		states := r.Run(context.Background(), list(t, s))
		assert.True(t, states[0].Newer)
		assert.False(t, states[0].Migrated())
		assert.Equal(t, "the database was migrated by a newer version (migration 2; this version knows 1): install that version again or restore the backup", states[0].Fault)
		assert.True(t, states[1].Migrated(), "the other tenant is served: %v", states[1])
	}
	assert.Equal(t, before, one(t, s, all))
}

func TestAProcessThatServesGoesOnWhenANewerVersionMigrates(t *testing.T) {
	s := pgtest.Start(t, "acme")
	r := runner(t, s, older)
	assert.True(t, r.Run(context.Background(), list(t, s))[0].Migrated())
	assert.True(t, runner(t, s, newer).Run(context.Background(), list(t, s))[0].Migrated())
	state := r.Run(context.Background(), list(t, s))[0]
	assert.True(t, state.Migrated(), state)
	assert.EqualValues(t, 2, state.Version)
}

func TestAMigrationThatFailsInTheMiddleKeepsTheRowsAndNamesItsFile(t *testing.T) {
	s := pgtest.Start(t, "acme")
	r := runner(t, s, older)
	assert.True(t, r.Run(context.Background(), list(t, s))[0].Migrated())
	s.Run(t, "INSERT INTO tenant_acme.a VALUES (1), (2), (3)")
	broken := runner(t, s, fstest.MapFS{
		"001_a.sql":      older["001_a.sql"],
		"002_broken.sql": file("ALTER TABLE a ADD b int; UPDATE a SET id = id + 10; DELETE FROM a WHERE id = 11; INSERT INTO none VALUES (1); DROP TABLE a"),
	})
	for range 2 {
		state := broken.Run(context.Background(), list(t, s))[0]
		assert.Contains(t, state.Fault, `the migration 002_broken.sql failed, and nothing of it was kept: ERROR: relation "none" does not exist`)
		assert.Contains(t, state.Fault, "Correct the cause and start again. To go back, start the version that you had")
		assert.False(t, state.Newer)
		assert.Equal(t, "(1) (2) (3)", one(t, s, "SELECT string_agg(a::text, ' ' ORDER BY id) FROM tenant_acme.a a"))
	}
	assert.True(t, runner(t, s, older).Run(context.Background(), list(t, s))[0].Migrated(), "the version that was there before starts again")
}
