package tenancy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// With log_lock_waits the server logs the text of a statement that waits for a lock.
func TestServerLogHasNoVerifierWhenATenantMakesTheRunWait(t *testing.T) {
	t.Parallel()
	b := newBed(t, 18)
	declared := named("acme")
	b.must(t, declared)
	configure(t, b, "log_lock_waits", "on")
	run(t, postgrestest.Connect(t, b.url(t, declared[0])), "BEGIN", "ALTER ROLE tenant_acme PASSWORD NULL")
	out, err := b.reconcile(t, declared)
	require.NoError(t, err, out)
	log, err := os.ReadFile(b.LogFile())
	require.NoError(t, err)
	assert.Contains(t, string(log), "still waiting for", "the run has waited")
	assert.NotContains(t, string(log), "SCRAM-SHA-256$")
}
