package engine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
)

const (
	uptimeCheck  = "digitalocean:index/uptimeCheck:UptimeCheck"
	monitorAlert = "digitalocean:index/monitorAlert:MonitorAlert"
)

// objectsOf returns how many objects of DigitalOcean have a type, such as "UptimeCheck".
func objectsOf(paths []string, kind string) int {
	count := 0
	for _, path := range paths {
		if strings.Contains(path, "-"+kind+"/") {
			count++
		}
	}
	return count
}

// TestAlertsFromOutsideThroughTheEngine turns the alerts on with an address that nobody has
// verified, corrects it, changes a check by hand, and turns the alerts off.
func TestAlertsFromOutsideThroughTheEngine(t *testing.T) {
	t.Parallel()
	s := newStack(t, "demo")
	const off, wrong = "  platform:settings:\n", "  platform:settings:\n    alerts: {digitalocean: {email: sre@genericcorp.com, uptime: [app, acme], database: true}}\n"
	s.Up(t)
	account := cloud.At(s.CloudFolder())
	require.NoError(t, account.Put(cloud.TokenTeam, "members", cloud.Object{Inputs: map[string]any{"emails": []any{"owner@genericcorp.com"}}}))

	s.Edit(t, off, wrong)
	assert.Contains(t, s.Fails(t, "up", "--yes", "--skip-preview"), "invalid email 'sre@genericcorp.com'")
	s.Edit(t, "sre@genericcorp.com, uptime", "owner@genericcorp.com, uptime")
	s.Up(t)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
	objects := cloudObjects(t, s)
	for kind, want := range map[string]int{"UptimeCheck": 2, "UptimeAlert": 4, "MonitorAlert": 3} {
		assert.Equal(t, want, objectsOf(objects, kind), kind)
	}
	databases, err := account.IDs("digitalocean:index/databaseCluster:DatabaseCluster")
	require.NoError(t, err)
	monitors, err := account.IDs(monitorAlert)
	require.NoError(t, err)
	for _, id := range monitors {
		alert, _, err := account.Get(monitorAlert, id)
		require.NoError(t, err)
		assert.Equal(t, []any{databases[0]}, alert.Inputs["entities"])
	}

	// A check that was deleted by hand comes back with its alerts.
	checks, err := account.IDs(uptimeCheck)
	require.NoError(t, err)
	require.NoError(t, account.Delete(uptimeCheck, checks[0]))
	out := s.Succeeds(t, "up", "--yes", "--skip-preview", "--refresh")
	assert.Regexp(t, `\+ 3 created`, out)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")

	s.Edit(t, strings.Replace(wrong, "sre@", "owner@", 1), off)
	s.Up(t)
	for _, kind := range []string{"UptimeCheck", "MonitorAlert"} {
		assert.Zero(t, objectsOf(cloudObjects(t, s), kind), kind)
	}
}
