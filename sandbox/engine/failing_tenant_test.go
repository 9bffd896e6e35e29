package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/provider"
)

// databaseRecord returns the record of the tenants in the simulated database.
func databaseRecord(t *testing.T, f faults) lifecycle.History {
	t.Helper()
	_, record := onlyObject(t, cloud.At(f.CloudFolder()), "postgres:platform/tenants:Tenants")
	h, err := lifecycle.Decode(record.Inputs)
	require.NoError(t, err)
	return h
}

// If tenants fail, the update still reconciles the other tenants and updates the app's
// image. It fails at its end, and the outputs do not change.
func TestUpReconcilesOtherTenantsAndTheAppWhenTenantsFail(t *testing.T) {
	const beta, gamma, image = "      - name: beta\n", "      - name: gamma\n", "ghcr.io/stefanprodan/podinfo:6.9.1"
	t.Parallel()
	f := newProdWithAcme(t)
	f.inject(t, provider.FaultTenant, "acme gamma")
	f.Edit(t, acmeActive, acmeArchived+beta+gamma)
	f.Edit(t, "    capacity:", "    app:\n      image: "+image+"\n    capacity:")
	for _, turn := range []string{"the first update", "the same update again"} {
		out := f.Fails(t, "up", "--yes", "--skip-preview")
		assert.Contains(t, out, "the Job confirm-", turn)
		assert.Contains(t, out, "2 tenants failed, the others are as declared", turn)
		assert.Contains(t, out, "acme | ", turn)
		assert.NotContains(t, out, "beta | ", turn)
		assert.NotEmpty(t, password(t, f.Stack, "beta"), turn)
		app, found, err := cloud.At(f.CloudFolder()).Get("kubernetes:apps/v1:Deployment", "app/app")
		require.NoError(t, err)
		require.True(t, found)
		declared, err := json.Marshal(app.Inputs)
		require.NoError(t, err)
		assert.Contains(t, string(declared), image, turn)
		database := databaseRecord(t, f)
		assert.Equal(t, []string{"active", "active", ""}, []string{database["acme"].State, database["beta"].State, database["gamma"].State}, turn)
		record := history(t, f.Stack)
		assert.Equal(t, "active", record["acme"].State, turn)
		assert.NotContains(t, record, "gamma", turn)
	}
	f.clear(t, provider.FaultTenant)
	f.Up(t)
	assert.Equal(t, "archived", history(t, f.Stack)["acme"].State)
	assert.Equal(t, databaseRecord(t, f), history(t, f.Stack))
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}
