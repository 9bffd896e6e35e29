package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// The API server does not store an empty map, so one would be a change in each preview.
func TestTheTenantsSecretHasNoDataWhileNobodyLogsIn(t *testing.T) {
	for state, want := range map[string]bool{"active": true, "suspended": false, "archived": false, "purged": false} {
		a := args()
		a.Tenants = tenants("acme:" + state)
		secret, ok := declared(t, a).Find("kubernetes:core/v1:Secret", "tenants")
		require.True(t, ok)
		_, has := secret.Inputs["stringData"]
		assert.Equal(t, want, has, state)
	}
}

// The list and the connection strings are one folder, which changes without a restart.
func TestTheAppSeesTheListAndTheConnectionStringsInOneFolder(t *testing.T) {
	g, ok := declared(t, args()).Find(deploymentToken, "app")
	require.True(t, ok)
	var sources []any
	for _, volume := range pulumitest.Dig(g.Inputs, "spec.template.spec.volumes").([]any) {
		if pulumitest.Dig(volume, "name") == "tenants" {
			sources = pulumitest.Dig(volume, "projected.sources").([]any)
		}
	}
	assert.ElementsMatch(t, []any{
		map[string]any{"configMap": map[string]any{"name": "tenants"}}, map[string]any{"secret": map[string]any{"name": "tenants"}},
	}, sources)
	var mounted any
	for _, mount := range pulumitest.Dig(g.Containers()[0], "volumeMounts").([]any) {
		if pulumitest.Dig(mount, "name") == "tenants" {
			mounted = mount
		}
	}
	assert.Equal(t, map[string]any{"name": "tenants", "mountPath": "/etc/tenants", "readOnly": true}, mounted)
}
