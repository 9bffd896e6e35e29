package tenancy_test

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

func TestReconcileExitsWithExitRefusedForARefusalButNotForAnError(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	b.must(t, named("acme"))
	status := func(declared []settings.Tenant) (int, string) {
		out, err := b.reconcile(t, declared)
		exit := &exec.ExitError{}
		require.True(t, errors.As(err, &exit), out)
		return exit.ExitCode(), out
	}
	code, out := status(tenants(settings.Tenant{Name: "acme", State: settings.Purged, ConfirmPurge: "acme"}))
	assert.Equal(t, tenancy.ExitRefused, code)
	assert.Contains(t, out, "refused, and nothing was changed")

	broken := tenants(settings.Tenant{Name: "acme"}, settings.Tenant{Name: "acme"}) // a duplicate key in SQL
	code, out = status(broken)
	assert.NotEqual(t, tenancy.ExitRefused, code)
	assert.NotZero(t, code, out)
	b.must(t, named("acme"))
}
