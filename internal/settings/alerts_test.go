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

func TestDigitalOceansAlertsGoToTheReceiverOfTheOthersUnlessTheyHaveAnother(t *testing.T) {
	const email = "email: {to: a@genericcorp.com, from: b@genericcorp.com, server: 'smtp.genericcorp.com:2525'}"
	for text, want := range map[string]string{
		"alerts: {" + email + "}": "a@genericcorp.com", "alerts: {" + email + ", digitalocean: {database: true}}": "a@genericcorp.com",
		"alerts: {" + email + ", digitalocean: {email: c@genericcorp.com, database: true}}": "c@genericcorp.com",
	} {
		s, err := settings.Load([]byte(least + text))
		require.NoError(t, err, text)
		assert.Equal(t, want, s.Alerts.DigitalOcean.Email, text)
	}
}

func TestUptimeHasHostsThatAnswerOnly(t *testing.T) {
	const tenants = "tenants: [{name: acme}, {name: beta, state: suspended}]\n"
	s, err := settings.Load([]byte(least + tenants + "alerts: {digitalocean: {email: a@genericcorp.com, uptime: [app, grafana, acme]}}"))
	require.NoError(t, err)
	for entry, host := range map[string]string{"app": s.Domain, "grafana": "grafana." + s.Domain, "acme": "acme." + s.Domain} {
		assert.Equal(t, host, s.UptimeHost(entry))
	}
	_, err = settings.Load([]byte(least + tenants + "alerts: {digitalocean: {email: a@genericcorp.com, uptime: [beta]}}"))
	require.ErrorContains(t, err, `settings.alerts.digitalocean.uptime: "beta" is not app, grafana, or the name of an active tenant`)
}

func TestDigitalOceansAlertsGoWithDigitalOceansClusterAndDatabase(t *testing.T) {
	_, err := settings.Load([]byte(least + "cluster: {kind: existing}\ndatabase: {kind: external}\nalerts: {digitalocean: {email: a@genericcorp.com, uptime: [app]}}"))
	require.ErrorContains(t, err, "settings.alerts.digitalocean: goes with cluster.kind: digitalocean alone")
	_, err = settings.Load([]byte(least + "database: {kind: external, connections: 50}\nalerts: {digitalocean: {email: a@genericcorp.com, database: true}}"))
	require.ErrorContains(t, err, "settings.alerts.digitalocean.database: goes with database.kind: digitalocean alone")
}
