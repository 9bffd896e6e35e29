package engine_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/enginetest"
	"github.com/genericcorp/platform/sandbox/provider"
)

const (
	acmeActive   = "      - name: acme\n        fresh: false\n"
	acmeArchived = "      - name: acme\n        state: archived\n"
	acmePurged   = "      - name: acme\n        state: purged\n        confirmPurge: acme\n"
	acmeFresh    = "      - name: acme\n        fresh: true\n"
	acmeRestore  = "      - name: acme\n        restore: true\n"
)

// newProdWithAcme returns a running prod stack with an archive and one tenant, acme.
func newProdWithAcme(t *testing.T) faults {
	t.Helper()
	f := newFaultyStack(t, "prod")
	f.Edit(t, "    capacity:", "    archive:\n      volumeGiB: 5\n    tenants:\n"+acmeActive+"    capacity:")
	f.Up(t)
	return f
}

// updateThrough replaces the tenant's entry in the stack file by each following one, and
// updates the stack after each. The first entry is the present one.
func updateThrough(t *testing.T, s enginetest.Stack, entries ...string) {
	t.Helper()
	for i := 1; i < len(entries); i++ {
		s.Edit(t, entries[i-1], entries[i])
		s.Up(t)
		s.Succeeds(t, "preview", "--expect-no-changes")
	}
}

// password returns the password in a tenant's connection string, from the app's Secret.
func password(t *testing.T, s enginetest.Stack, tenant string) string {
	t.Helper()
	o, found, err := cloud.At(s.CloudFolder()).Get("kubernetes:core/v1:Secret", "app/tenants")
	require.NoError(t, err)
	require.True(t, found)
	data, _ := o.Inputs["stringData"].(map[string]any)
	text, _ := data[tenant+".url"].(string)
	u, err := url.Parse(text)
	require.NoError(t, err)
	require.NotNil(t, u.User, "tenant %s has no connection string", tenant)
	out, _ := u.User.Password()
	return out
}

// history returns the history of the tenants in the stack's outputs.
func history(t *testing.T, s enginetest.Stack) lifecycle.History {
	t.Helper()
	var read map[string]any
	require.NoError(t, json.Unmarshal([]byte(s.Succeeds(t, "stack", "output", "tenantHistory", "--json")), &read))
	h, err := lifecycle.Decode(read)
	require.NoError(t, err)
	return h
}

func TestPreviewRefusesForbiddenChangesOfATenantsState(t *testing.T) {
	t.Parallel()
	s := newProdWithAcme(t).Stack
	s.Edit(t, acmeActive, acmePurged+"      - name: beta\n        state: archived\n      - name: corp\n        restore: true\n")
	checkRefused(t, s, `settings.tenants[0].state: only an archived tenant can be purged, and the last update left "acme" active`,
		`settings.tenants[1].state: no update of this stack had a tenant "beta"`, `settings.tenants[2].restore:`)
	s.Edit(t, "      - name: beta\n        state: archived\n      - name: corp\n        restore: true\n", "")
	updateThrough(t, s, acmePurged, acmeArchived, acmePurged)
	s.Edit(t, acmePurged, acmeActive)
	checkRefused(t, s, `"acme" was purged`, "restore: true", "fresh: true")
	// The name of a deleted entry stays in the history.
	s.Edit(t, acmeActive, "      []\n")
	s.Up(t)
	s.Edit(t, "      []\n", acmeActive)
	checkRefused(t, s, `"acme" was purged`)
	updateThrough(t, s, acmeActive, acmeRestore)
}

func TestATenantGetsANewPasswordAfterEachPurge(t *testing.T) {
	t.Parallel()
	s := newProdWithAcme(t).Stack
	first := password(t, s, "acme")
	updateThrough(t, s, acmeActive, acmeArchived, acmeActive)
	assert.Equal(t, first, password(t, s, "acme"), "the tenant was not purged")
	updateThrough(t, s, acmeActive, acmeArchived, acmePurged, acmeRestore)
	second := password(t, s, "acme")
	assert.NotEqual(t, first, second)
	updateThrough(t, s, acmeRestore, acmeActive, acmeArchived, acmePurged, "      []\n", acmeFresh)
	third := password(t, s, "acme")
	assert.NotContains(t, []string{first, second}, third)
	assert.Equal(t, 3, history(t, s)["acme"].Life)
}

// An update that purges or revives a tenant may fail before the Job, in the Job, after a
// lost response, or after the Job. The next update must complete it, and the password from
// before the purge must not be valid again.
func TestTheNextUpCompletesAPurgeOrARevivalThatFailed(t *testing.T) {
	for name, c := range map[string]struct {
		operation, fault string
		// purged are the states that the outputs may have after the failed purge. An engine
		// that fails right after the Job may have stored the outputs or not.
		purged []string
	}{
		"before the Job":       {"update", provider.FaultDown + " core/v1:ConfigMap::reconcile", []string{"archived"}},
		"in the Job":           {"create", provider.FaultDown + " batch/v1:Job", []string{"archived"}},
		"the response is lost": {"create", provider.FaultLate + " batch/v1:Job", []string{"archived"}},
		"after the Job":        {"update", provider.FaultDown + " core/v1:ConfigMap::tenants", []string{"archived", "purged"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newProdWithAcme(t)
			first := password(t, f.Stack, "acme")
			updateThrough(t, f.Stack, acmeActive, acmeArchived)
			f.failWithFault(t, c.operation, c.fault, acmeArchived, acmePurged)
			assert.Contains(t, c.purged, history(t, f.Stack)["acme"].State)
			f.Up(t)
			assert.Equal(t, "purged", history(t, f.Stack)["acme"].State)

			f.failWithFault(t, c.operation, c.fault, acmePurged, acmeFresh)
			f.Up(t)
			f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
			assert.NotEqual(t, first, password(t, f.Stack, "acme"))
			assert.Equal(t, 2, history(t, f.Stack)["acme"].Life)
		})
	}
}

// failWithFault replaces the entry before by after, and runs an update that must fail with a
// fault. It clears the fault afterwards.
func (f faults) failWithFault(t *testing.T, operation, fault, before, after string) {
	t.Helper()
	f.Edit(t, before, after)
	f.inject(t, operation, fault)
	f.Fails(t, "up", "--yes", "--skip-preview")
	f.clear(t, operation)
	require.NoError(t, os.RemoveAll(filepath.Join(f.folder, operation+".taken")))
}

// A purge whose response was lost is in the database and not in the outputs. So the preview
// cannot refuse the next change, and the Job does.
func TestAPurgeWhoseResponseWasLostMustBeCompletedBeforeTheTenantIsRevived(t *testing.T) {
	t.Parallel()
	f := newProdWithAcme(t)
	updateThrough(t, f.Stack, acmeActive, acmeArchived)
	f.failWithFault(t, "create", provider.FaultLate+" batch/v1:Job", acmeArchived, acmePurged)
	f.Edit(t, acmePurged, acmeActive)
	assert.Contains(t, f.Fails(t, "up", "--yes", "--skip-preview", "--refresh"), `tenant acme: "acme" was purged`)
	f.Edit(t, acmeActive, acmeRestore)
	assert.Contains(t, f.Fails(t, "preview"), "finish that first: state: purged and confirmPurge: acme")
	updateThrough(t, f.Stack, acmeRestore, acmePurged, acmeRestore)
	assert.Equal(t, 2, history(t, f.Stack)["acme"].Life)
}

const (
	betaRenamed    = "      - name: beta\n        renamedFrom: acme\n"
	betaRedirected = betaRenamed + "        redirectOldHost: true\n"
)

func TestARenameTakesOneUpdateAndItsEntryChangesNothingLater(t *testing.T) {
	t.Parallel()
	s := newProdWithAcme(t).Stack
	first := password(t, s, "acme")
	s.Edit(t, acmeActive, "      - name: beta\n        fresh: false\n")
	checkRefused(t, s, "acme vanished while beta appeared", "write renamedFrom into the new entry")
	updateThrough(t, s, "      - name: beta\n        fresh: false\n", betaRenamed, betaRedirected)
	assert.NotEqual(t, first, password(t, s, "beta"))
	c := cloud.At(s.CloudFolder())
	route, found, err := c.Get("kubernetes:networking.k8s.io/v1:Ingress", "ingress/moved-to-beta")
	require.NoError(t, err)
	require.True(t, found)
	text, err := json.Marshal(route.Inputs)
	require.NoError(t, err)
	assert.Contains(t, string(text), "acme.app.genericcorp.com")
	updateThrough(t, s, betaRedirected, "      - name: beta\n        fresh: false\n")
	_, found, err = c.Get("kubernetes:networking.k8s.io/v1:Ingress", "ingress/moved-to-beta")
	require.NoError(t, err)
	assert.False(t, found, "the redirect must be deleted with its setting")
	updateThrough(t, s, "      - name: beta\n        fresh: false\n", "      - name: acme\n        renamedFrom: beta\n")
	assert.NotEqual(t, first, password(t, s, "acme"), "a reused name must get a new password")
}

func TestTheNextUpCompletesARenameThatFailed(t *testing.T) {
	t.Parallel()
	f := newProdWithAcme(t)
	f.failWithFault(t, "create", provider.FaultLate+" batch/v1:Job", acmeActive, betaRenamed)
	assert.Equal(t, "active", history(t, f.Stack)["acme"].State)
	f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	assert.Equal(t, lifecycle.Renamed, history(t, f.Stack)["acme"].State)
	assert.Equal(t, "acme", history(t, f.Stack)["beta"].RenamedFrom)
}
