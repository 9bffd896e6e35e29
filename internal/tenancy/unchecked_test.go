package tenancy_test

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

func TestReconcileFailsWithoutRefusingWhenItCannotCheckTheDeclaration(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	super := b.Superuser(t, postgrestest.Database)
	run(t, super, "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_get_userbyid FROM PUBLIC")
	out, err := b.reconcile(t, named("acme"))
	exit := &exec.ExitError{}
	require.True(t, errors.As(err, &exit), out)
	assert.NotEqual(t, tenancy.ExitRefused, exit.ExitCode())
	assert.Contains(t, out, "the declaration could not be checked")
	run(t, super, "GRANT EXECUTE ON FUNCTION pg_catalog.pg_get_userbyid TO PUBLIC")
	b.must(t, named("acme"))
}
