package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestSplitVerifyReportsChangesInCopiesAndInSharedTables(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		app := richBed(t, b)
		verify := script(t, richSplit, tenancy.SplitVerify)
		out, err := b.psql(t, verify)
		require.Error(t, err)
		assert.Contains(t, out, "nothing was copied yet")
		out, err = b.psql(t, script(t, richSplit, tenancy.SplitCopy))
		require.NoError(t, err, out)
		out, err = b.psql(t, verify)
		require.NoError(t, err, out)
		assert.Contains(t, out, "verified: 8 copies, all equal to the shared tables")

		acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
		run(t, acme, "UPDATE clients SET t = 'x' WHERE id = (SELECT min(id) FROM clients)")
		run(t, app, "DELETE FROM lines WHERE id = (SELECT max(id) FROM lines)")
		out, err = b.psql(t, verify)
		require.Error(t, err)
		assert.Contains(t, out, "tenant_acme.clients: the copy has changed since it was made")
		assert.Contains(t, out, "public.lines has changed since it was copied")
		assert.NotContains(t, out, "countries")
	})
}

func TestSplitRollbackDropsTheCopiesUnlessOneHasNewerRows(t *testing.T) {
	everyMajor(t, func(t *testing.T, b *bed) {
		app := richBed(t, b)
		super := b.Superuser(t, postgrestest.Database)
		move, back := script(t, richSplit, tenancy.SplitCopy), script(t, richSplit, tenancy.SplitRollback)
		out, err := b.psql(t, move)
		require.NoError(t, err, out)
		acme := postgrestest.Connect(t, b.url(t, named("acme")[0]))
		run(t, acme, "INSERT INTO clients (tenant_id) VALUES (1)")
		const left = "SELECT count(*) FROM pg_class WHERE relnamespace IN ('tenant_acme'::regnamespace, 'tenant_beta'::regnamespace)"
		before := ask[int](t, super, left)
		out, err = b.psql(t, back)
		require.Error(t, err)
		assert.Contains(t, out, "tenant_acme.clients has changed since it was copied")
		assert.Equal(t, before, ask[int](t, super, left), "beta's copies are not dropped either")

		run(t, acme, "DELETE FROM clients WHERE t IS NULL")
		run(t, app, "BEGIN", "TRUNCATE lines", "COMMIT")
		out, err = b.psql(t, back)
		require.Error(t, err)
		assert.Contains(t, out, "public.lines has no rows of tenant_acme any more")
		run(t, app, "INSERT INTO lines SELECT no, no FROM invoices")

		out, err = b.psql(t, back)
		require.NoError(t, err, out)
		assert.Equal(t, 0, ask[int](t, super, left))
		assert.Equal(t, 0, ask[int](t, super, "SELECT count(*) FROM pg_type WHERE typnamespace = 'tenant_acme'::regnamespace"))
		assert.Equal(t, 20, ask[int](t, app, "SELECT count(*) FROM public.clients"), "the shared tables are as they were")
		out, err = b.psql(t, move)
		require.NoError(t, err, "and it may be done again: %s", out)
	})
}
