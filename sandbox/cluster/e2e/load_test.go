package e2e_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/load"
)

const (
	loadPeople = 100
	loadTime   = 2 * time.Minute
)

// checkLoad puts people and agents on three tenants. Meanwhile an update of the stack replaces
// the app's Pods. No request may fail, and every container must stay below its memory limit. It
// does not look at durations: `make load` does.
func (d runningDemo) checkLoad(t *testing.T) {
	tenants := []load.Tenant{d.Visitor("acme")}
	for _, name := range []string{"beta", "gamma"} {
		tenant, err := d.Invite(name, 4)
		require.NoError(t, err)
		tenants = append(tenants, tenant)
	}
	targets, revoke, err := load.Prepare(t.Context(), d.Network(), tenants)
	require.NoError(t, err)
	updated := make(chan error, 1)
	time.AfterFunc(loadTime/2, func() {
		d.edit(t, "        DEMO_TENANT: acme\n", "        DEMO_TENANT: acme\n        RELEASE: second\n")
		updated <- d.Up()
	})
	run, err := d.Load(t.Context(), targets, loadPeople, loadTime)
	require.NoError(t, err)
	require.NoError(t, <-updated, d.out)
	assert.Contains(t, d.out.String(), "Deployment app updated")
	require.NoError(t, revoke(t.Context()))

	t.Log("\n" + run.Markdown())
	assert.Greater(t, run.Total.Requests, loadPeople*10)
	assert.Zero(t, run.Total.Failures)
	assert.Positive(t, run.Connections)
	assert.Greater(t, len(run.Peak), 8)
	for name, peak := range run.Peak {
		assert.Less(t, peak, run.Limit[name], name)
	}
}
