package alerts_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/sandbox/build"
)

// TestSlackReceivesAPageInQuietHoursAndNoWarning runs the real Alertmanager with all that a
// stack file can ask for. The mail server does not exist, and the other message arrives
// nevertheless.
func TestSlackReceivesAPageInQuietHoursAndNoWarning(t *testing.T) {
	tools, err := build.Alerting("../..", os.Stderr)
	require.NoError(t, err)
	texts := make(chan string, 100)
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var message struct {
			Attachments []struct{ Title, Text string }
		}
		assert.NoError(t, json.NewDecoder(req.Body).Decode(&message))
		for _, a := range message.Attachments {
			texts <- a.Title + "\n" + a.Text
		}
		_, _ = w.Write([]byte("ok")) // Alertmanager expects Slack's answer
	}))
	t.Cleanup(slack.Close)
	folder := t.TempDir()
	write(t, folder, alerts.WebhookFile, slack.URL)
	write(t, folder, alerts.PasswordFile, "canary")
	now := time.Now().UTC()
	delivery := alerts.Delivery{
		Webhook: alerts.Slack, To: "sre@genericcorp.com", From: "alerts@genericcorp.com", Server: address(t),
		QuietFrom: now.Add(-time.Hour).Format("15:04"), QuietTo: now.Add(time.Hour).Format("15:04"),
	}
	config := write(t, folder, "alertmanager.yaml", durations.ReplaceAllString(delivery.File(stack, folder), "$1: 1s"))
	manager := address(t)
	launch(t, "http://"+manager+"/-/ready", tools.Alertmanager, append(alerts.Alertmanager(config, filepath.Join(folder, "data")), "--web.listen-address="+manager)...)

	post(t, manager, `[
		{"labels": {"alertname": "ContainerOOMKilled", "severity": "warning"}, "annotations": {"summary": "it was killed", "runbook": "https://r/#b"}},
		{"labels": {"alertname": "AppDown", "severity": "page"}, "annotations": {"summary": "no Pod is ready", "runbook": "https://r/#a"}},
		{"labels": {"alertname": "Heartbeat", "severity": "none"}, "annotations": {"summary": "alerts work"}}]`)
	select {
	case got := <-texts:
		assert.Equal(t, "page: AppDown\nfiring: no Pod is ready\nhttps://r/#a", got)
	case <-time.After(20 * time.Second):
		require.Fail(t, "no message")
	}
	select {
	case got := <-texts:
		assert.Fail(t, "another message", got)
	case <-time.After(4 * time.Second):
	}
}

// post sends alerts to Alertmanager, as vmalert does.
func post(t *testing.T, manager, alerts string) {
	t.Helper()
	resp, err := http.Post("http://"+manager+"/api/v2/alerts", "application/json", strings.NewReader(alerts))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestQuietHoursThatPassMidnightAreTwoRanges(t *testing.T) {
	text := alerts.Delivery{QuietFrom: "22:00", QuietTo: "06:30"}.File(stack, "/secrets")
	for _, want := range []string{"start_time: \"22:00\"", "end_time: \"24:00\"", "start_time: \"00:00\"", "end_time: \"06:30\"", "mute_time_intervals:"} {
		assert.Contains(t, text, want)
	}
}

func TestWithoutAReceiverAlertmanagerSendsNoMessage(t *testing.T) {
	text := alerts.Delivery{}.File(stack, "/secrets")
	assert.Contains(t, text, "receiver: none")
	assert.NotContains(t, text, "receiver: people")
	assert.NotContains(t, text, "/secrets", "a file that the Secret does not have")
}
