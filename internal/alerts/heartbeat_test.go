package alerts_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/sandbox/build"
)

// durationOf is the value of a line that durations matches.
var durationOf = regexp.MustCompile(`\S+$`)

// TestTheHeartbeatIsSentOnceAMinute runs the real Alertmanager thirty times as fast: a minute is
// two seconds.
func TestTheHeartbeatIsSentOnceAMinute(t *testing.T) {
	tools, err := build.Alerting("../..", os.Stderr)
	require.NoError(t, err)
	var beats atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodPost, r.Method)
		beats.Add(1)
	}))
	t.Cleanup(service.Close)
	folder := t.TempDir()
	write(t, folder, alerts.HeartbeatFile, service.URL)
	fast := durations.ReplaceAllStringFunc(alerts.Delivery{Heartbeat: true}.File(stack, folder), func(text string) string {
		key, value := text[:len(text)-len(durationOf.FindString(text))], durationOf.FindString(text)
		d, err := time.ParseDuration(value)
		require.NoError(t, err)
		return fmt.Sprintf("%s%dms", key, (d / 30).Milliseconds())
	})
	config, manager := write(t, folder, "alertmanager.yaml", fast), address(t)
	launch(t, "http://"+manager+"/-/ready", tools.Alertmanager, append(alerts.Alertmanager(config, filepath.Join(folder, "data")), "--web.listen-address="+manager)...)
	post(t, manager, `[{"labels": {"alertname": "Heartbeat", "severity": "none"}, "annotations": {"summary": "alerts work"}}]`)
	require.Eventually(t, func() bool { return beats.Load() > 0 }, 20*time.Second, 10*time.Millisecond)
	const minutes = 8
	time.Sleep(minutes*2*time.Second + time.Second)
	assert.InDelta(t, minutes+1, beats.Load(), 1, "messages in %d minutes", minutes)
}
