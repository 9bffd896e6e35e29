package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
