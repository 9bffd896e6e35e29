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

// withAcme is a prod stack with an archive, whose one tenant is acme, and with faults.
func withAcme(t *testing.T) faults {
	t.Helper()
	f := withFaults(t, "prod")
	f.Edit(t, "    capacity:", "    archive:\n      volumeGiB: 5\n    tenants:\n"+acmeActive+"    capacity:")
	f.Up(t)
	return f
}

// through updates the stack to one entry after the other, from the first on.
func through(t *testing.T, s enginetest.Stack, entries ...string) {
	t.Helper()
	for i := 1; i < len(entries); i++ {
		s.Edit(t, entries[i-1], entries[i])
		s.Up(t)
		s.Succeeds(t, "preview", "--expect-no-changes")
	}
}

// password is what a tenant's connection string has, by the app's Secret.
func password(t *testing.T, s enginetest.Stack, tenant string) string {
	t.Helper()
	o, found, err := cloud.At(s.CloudFolder()).Get("kubernetes:core/v1:Secret", "app/tenants")
	require.NoError(t, err)
	require.True(t, found)
	data, _ := o.Inputs["stringData"].(map[string]any)
	text, _ := data[tenant+".url"].(string)
	u, err := url.Parse(text)
	require.NoError(t, err)
	require.NotNil(t, u.User, "%s has no connection string", tenant)
	out, _ := u.User.Password()
	return out
}

// history is what the stack's outputs say of its tenants.
func history(t *testing.T, s enginetest.Stack) lifecycle.History {
	t.Helper()
	var read map[string]any
	require.NoError(t, json.Unmarshal([]byte(s.Succeeds(t, "stack", "output", "tenantHistory", "--json")), &read))
	h, err := lifecycle.Decode(read)
	require.NoError(t, err)
	return h
}

func TestWhatATenantMayNotBecomeIsRefusedByThePreview(t *testing.T) {
	t.Parallel()
	s := withAcme(t).Stack
	s.Edit(t, acmeActive, acmePurged+"      - name: beta\n        state: archived\n      - name: corp\n        restore: true\n")
	refused(t, s, `settings.tenants[0].state: only an archived tenant can be purged, and the last update left "acme" active`,
		`settings.tenants[1].state: no update of this stack had a tenant "beta"`, `settings.tenants[2].restore:`)
	s.Edit(t, "      - name: beta\n        state: archived\n      - name: corp\n        restore: true\n", "")
	through(t, s, acmePurged, acmeArchived, acmePurged)
	s.Edit(t, acmePurged, acmeActive)
	refused(t, s, `"acme" was purged`, "restore: true", "fresh: true")
	// The entry is deleted, and the name is remembered.
	s.Edit(t, acmeActive, "      []\n")
	s.Up(t)
	s.Edit(t, "      []\n", acmeActive)
	refused(t, s, `"acme" was purged`)
	through(t, s, acmeActive, acmeRestore)
}

func TestEachLifeOfANameHasAnotherPassword(t *testing.T) {
	t.Parallel()
	s := withAcme(t).Stack
	first := password(t, s, "acme")
	through(t, s, acmeActive, acmeArchived, acmeActive)
	assert.Equal(t, first, password(t, s, "acme"), "it was not purged")
	through(t, s, acmeActive, acmeArchived, acmePurged, acmeRestore)
	second := password(t, s, "acme")
	assert.NotEqual(t, first, second)
	through(t, s, acmeRestore, acmeActive, acmeArchived, acmePurged, "      []\n", acmeFresh)
	third := password(t, s, "acme")
	assert.NotContains(t, []string{first, second}, third)
	assert.Equal(t, 3, history(t, s)["acme"].Life)
}

// An update that purges or revives a tenant may fail before the Job, in it, with its
// answer lost, or after it. Whatever happened, the next update finishes it, and no
// password of the first life opens the second.
func TestAnUpdateOfATenantsLifeThatFailsHalfwayIsFinished(t *testing.T) {
	for name, c := range map[string]struct {
		operation, fault string
		// purged are the states that the failed purge may leave in the outputs. An engine
		// that fails right after the Job may have taken the outputs, or not.
		purged []string
	}{
		"before the Job":           {"update", provider.FaultDown + " core/v1:ConfigMap::reconcile", []string{"archived"}},
		"in the Job":               {"create", provider.FaultDown + " batch/v1:Job", []string{"archived"}},
		"the Job's answer is lost": {"create", provider.FaultLate + " batch/v1:Job", []string{"archived"}},
		"after the Job":            {"update", provider.FaultDown + " core/v1:ConfigMap::tenants", []string{"archived", "purged"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := withAcme(t)
			first := password(t, f.Stack, "acme")
			through(t, f.Stack, acmeActive, acmeArchived)
			f.failsOnce(t, c.operation, c.fault, acmeArchived, acmePurged)
			assert.Contains(t, c.purged, history(t, f.Stack)["acme"].State)
			f.Up(t)
			assert.Equal(t, "purged", history(t, f.Stack)["acme"].State)

			f.failsOnce(t, c.operation, c.fault, acmePurged, acmeFresh)
			f.Up(t)
			f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
			assert.NotEqual(t, first, password(t, f.Stack, "acme"))
			assert.Equal(t, 2, history(t, f.Stack)["acme"].Life)
		})
	}
}

// failsOnce updates to another entry with a fault, which is lifted afterwards.
func (f faults) failsOnce(t *testing.T, operation, fault, before, after string) {
	t.Helper()
	f.Edit(t, before, after)
	f.order(t, operation, fault)
	f.Fails(t, "up", "--yes", "--skip-preview")
	f.lift(t, operation)
	require.NoError(t, os.RemoveAll(filepath.Join(f.folder, operation+".taken")))
}

// A purge that was done, and whose answer was lost, is in the database and not in the
// outputs. The Job refuses then what the preview could not.
func TestAPurgeWhoseAnswerWasLostIsFinishedBeforeTheTenantComesBack(t *testing.T) {
	t.Parallel()
	f := withAcme(t)
	through(t, f.Stack, acmeActive, acmeArchived)
	f.failsOnce(t, "create", provider.FaultLate+" batch/v1:Job", acmeArchived, acmePurged)
	f.Edit(t, acmePurged, acmeActive)
	assert.Contains(t, f.Fails(t, "up", "--yes", "--skip-preview", "--refresh"), `tenant acme: "acme" was purged`)
	f.Edit(t, acmeActive, acmeRestore)
	assert.Contains(t, f.Fails(t, "preview"), "finish that first: state: purged and confirmPurge: acme")
	through(t, f.Stack, acmeRestore, acmePurged, acmeRestore)
	assert.Equal(t, 2, history(t, f.Stack)["acme"].Life)
}

const (
	betaRenamed    = "      - name: beta\n        renamedFrom: acme\n"
	betaRedirected = betaRenamed + "        redirectOldHost: true\n"
)

func TestARenameIsOneUpdateAndStaysWithoutEffect(t *testing.T) {
	t.Parallel()
	s := withAcme(t).Stack
	first := password(t, s, "acme")
	s.Edit(t, acmeActive, "      - name: beta\n        fresh: false\n")
	refused(t, s, "acme vanished while beta appeared", "write renamedFrom into the new entry")
	through(t, s, "      - name: beta\n        fresh: false\n", betaRenamed, betaRedirected)
	assert.NotEqual(t, first, password(t, s, "beta"))
	c := cloud.At(s.CloudFolder())
	route, found, err := c.Get("kubernetes:networking.k8s.io/v1:Ingress", "ingress/moved-to-beta")
	require.NoError(t, err)
	require.True(t, found)
	text, err := json.Marshal(route.Inputs)
	require.NoError(t, err)
	assert.Contains(t, string(text), "acme.app.genericcorp.com")
	through(t, s, betaRedirected, "      - name: beta\n        fresh: false\n")
	_, found, err = c.Get("kubernetes:networking.k8s.io/v1:Ingress", "ingress/moved-to-beta")
	require.NoError(t, err)
	assert.False(t, found, "the redirect goes with its setting")
	through(t, s, "      - name: beta\n        fresh: false\n", "      - name: acme\n        renamedFrom: beta\n")
	assert.NotEqual(t, first, password(t, s, "acme"), "a second life of the name")
}

func TestARenameThatFailsHalfwayIsFinished(t *testing.T) {
	t.Parallel()
	f := withAcme(t)
	f.failsOnce(t, "create", provider.FaultLate+" batch/v1:Job", acmeActive, betaRenamed)
	assert.Equal(t, "active", history(t, f.Stack)["acme"].State)
	f.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	f.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	assert.Equal(t, lifecycle.Renamed, history(t, f.Stack)["acme"].State)
	assert.Equal(t, "acme", history(t, f.Stack)["beta"].RenamedFrom)
}
