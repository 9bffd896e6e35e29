package report_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/report"
)

func TestThePlanSaysWhoIsToldOfAlerts(t *testing.T) {
	file, err := os.ReadFile("../../Pulumi.demo.yaml")
	require.NoError(t, err)
	for alerts, want := range map[string]string{
		"": "alerts: no message is sent for them; set settings.alerts.webhook or settings.alerts.email",
		`alerts: {webhook: slack, email: {to: sre@genericcorp.com, from: a@genericcorp.com, server: "smtp.genericcorp.com:2525"}, quietHours: {from: "22:00", to: "06:00"}}`: "alerts: go to the webhook in platform:alertWebhookUrl (slack) and to sre@genericcorp.com; warnings wait from 22:00 to 06:00 UTC",
		`alerts: {digitalocean: {email: sre@genericcorp.com, uptime: [app, acme], database: true}}`:                                                                          "alerts: no message is sent for them; set settings.alerts.webhook or settings.alerts.email; DigitalOcean requests app, acme from outside and watches the database, and writes to sre@genericcorp.com",
	} {
		text := string(file)
		if alerts != "" {
			text = strings.Replace(text, "  platform:settings:\n", "  platform:settings:\n    "+alerts+"\n", 1)
		}
		s, err := report.PlanStack("demo", []byte(text), nil)
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, report.New([]report.Stack{s}, today).Text(&out))
		assert.Contains(t, out.String(), "\n "+want+"\n")
	}
}

func TestThePlanHasALineForUptimeChecks(t *testing.T) {
	file, err := os.ReadFile("../../Pulumi.demo.yaml")
	require.NoError(t, err)
	text := strings.Replace(string(file), "  platform:settings:\n", "  platform:settings:\n    alerts: {digitalocean: {email: sre@genericcorp.com, uptime: [app, grafana]}}\n", 1)
	with, err := report.PlanStack("demo", []byte(text), nil)
	require.NoError(t, err)
	without, err := report.PlanStack("demo", file, nil)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, report.New([]report.Stack{with}, today).Text(&out))
	assert.Regexp(t, `uptime checks +uptime-check +2 `, out.String())
	assert.Equal(t, 2*catalog.UptimeCheck.Unit, with.MonthlyCents-without.MonthlyCents)
}
