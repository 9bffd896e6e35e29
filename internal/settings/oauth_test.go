package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestOAuthIsOffByDefaultAndOnWithAllOfItsKeys(t *testing.T) {
	s, err := settings.Load([]byte(least))
	require.NoError(t, err)
	assert.False(t, s.Monitoring.OAuth.Used())
	s, err = settings.Load([]byte(least + `monitoring: {oauth: {clientId: grafana, authUrl: "https://id.genericcorp.com/auth", tokenUrl: "https://id.genericcorp.com:443/token", ` +
		`apiUrl: "https://id.genericcorp.com/user", allowedDomain: genericcorp.com}}`))
	require.NoError(t, err)
	assert.True(t, s.Monitoring.OAuth.Used())
}

func TestAllFaultsOfOAuthAreReportedAtOnce(t *testing.T) {
	_, err := settings.Load([]byte(least + `monitoring: {oauth: {authUrl: "http://id.genericcorp.com/auth", tokenUrl: "https://id.genericcorp.com:8443/token"}}`))
	for _, key := range []string{"clientId", "authUrl", "tokenUrl", "apiUrl", "allowedDomain"} {
		assert.ErrorContains(t, err, "settings.monitoring.oauth."+key+": ")
	}
	assert.ErrorContains(t, err, "everybody with an account at the provider could sign in")
}
