package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
)

func TestAlertsAreDeliveredWithAWebhookOrAnEmail(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "alerts: {webhook: slack}": true, `alerts: {quietHours: {from: "22:00", to: "06:30"}}`: false,
		"alerts: {email: {to: a@genericcorp.com, from: b@genericcorp.com, server: 'smtp.genericcorp.com:2525'}}": true,
	} {
		s, err := settings.Load([]byte(least + text))
		require.NoError(t, err, text)
		assert.Equal(t, want, s.Alerts.Delivered(), text)
	}
}

func TestAllFaultsOfAlertsAreReportedAtOnce(t *testing.T) {
	_, err := settings.Load([]byte(least + `alerts: {availabilityPercent: 100, latencyMs: 1, webhook: irc, email: {to: x, server: "smtp:99999"}, quietHours: {from: "25:00", to: "06:00"}}`))
	for _, path := range []string{"availabilityPercent", "latencyMs", "webhook", "email.to", "email.from", "email.server", "quietHours.from"} {
		assert.ErrorContains(t, err, "settings.alerts."+path+": ")
	}
}

func TestAnExistingClusterMaySendMailThroughPort25(t *testing.T) {
	_, err := settings.Load([]byte(least + `cluster: {kind: existing}
database: {kind: external}
alerts: {email: {to: a@genericcorp.com, from: b@genericcorp.com, server: "mail.genericcorp.com:25"}}
`))
	require.NoError(t, err)
}
