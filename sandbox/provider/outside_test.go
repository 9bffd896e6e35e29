package provider_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cloud"
)

const (
	uptimeCheck  = "digitalocean:index/uptimeCheck:UptimeCheck"
	uptimeAlert  = "digitalocean:index/uptimeAlert:UptimeAlert"
	monitorAlert = "digitalocean:index/monitorAlert:MonitorAlert"
)

// merged returns a copy of inputs with others in place of them.
func merged(inputs, others object) object {
	out := object{}
	for _, from := range []object{inputs, others} {
		for key, value := range from {
			out[key] = value
		}
	}
	return out
}

func emails(addresses ...any) object { return object{"emails": addresses} }

var (
	goodCheck   = object{"name": "x", "target": "https://genericcorp.com/healthz", "type": "https", "regions": []any{"eu_west"}}
	goodMonitor = object{
		"type": "v1/dbaas/alerts/cpu_alerts", "compare": "GreaterThan", "value": 90, "window": "30m", "description": "cpu",
		"alerts": emails("sre@genericcorp.com"),
	}
)

func alertOf(check string) object {
	return object{
		"checkId": check, "name": "x", "type": "down_global", "threshold": 1, "comparison": "less_than", "period": "2m",
		"notifications": []any{emails("sre@genericcorp.com")},
	}
}

func TestAlertsFromOutsideHaveTheValuesOfTheAPI(t *testing.T) {
	a := newAccount(t)
	assert.Empty(t, a.check(uptimeCheck, goodCheck))
	assert.Empty(t, a.check(uptimeAlert, alertOf("c")))
	assert.Empty(t, a.check(monitorAlert, goodMonitor))
	for name, c := range map[string]struct {
		token  string
		inputs object
		want   string
	}{
		"a region of the SDK's comment":     {uptimeCheck, merged(goodCheck, object{"regions": []any{"usEast"}}), "regions: expected one of"},
		"a type of check":                   {uptimeCheck, merged(goodCheck, object{"type": "tcp"}), "type: expected one of"},
		"an alert of the SDK's comment":     {uptimeAlert, merged(alertOf("c"), object{"type": "downGlobal"}), "type: expected one of"},
		"a comparison of the SDK's comment": {uptimeAlert, merged(alertOf("c"), object{"comparison": "lessThan"}), "comparison: expected one of"},
		"a period":                          {uptimeAlert, merged(alertOf("c"), object{"period": "1m"}), "period: expected one of"},
		"a receiver's key":                  {uptimeAlert, merged(alertOf("c"), object{"notifications": []any{object{"email": []any{"x"}}}}), `notifications: has no property "email"`},
		"a comparison of the other API":     {monitorAlert, merged(goodMonitor, object{"compare": "greater_than"}), "compare: expected one of"},
		"a window":                          {monitorAlert, merged(goodMonitor, object{"window": "15m"}), "window: expected one of"},
		"a metric":                          {monitorAlert, merged(goodMonitor, object{"type": "v1/dbaas/alerts/disk"}), "type: expected one of"},
	} {
		assert.Contains(t, a.check(c.token, c.inputs), c.want, name)
	}
}

func TestAlertsGoToMembersOfTheTeamOnly(t *testing.T) {
	a := newAccount(t)
	check := a.mustCreate(uptimeCheck, goodCheck)
	a.mustCreate(uptimeAlert, alertOf(check))
	require.NoError(t, a.cloud.Put(cloud.TokenTeam, "members", cloud.Object{Inputs: object{"emails": []any{"owner@genericcorp.com"}}}))
	_, err := a.create(uptimeAlert, alertOf(check))
	require.ErrorContains(t, err, "invalid value for field 'notifications.email[0]': invalid email 'sre@genericcorp.com'")
	_, err = a.create(monitorAlert, goodMonitor)
	require.ErrorContains(t, err, "invalid email 'sre@genericcorp.com'")
	a.mustCreate(monitorAlert, merged(goodMonitor, object{"alerts": emails("owner@genericcorp.com")}))
	_, err = a.create(monitorAlert, merged(goodMonitor, object{"alerts": object{}}))
	require.ErrorContains(t, err, "there is no receiver")
}

func TestAnUptimeAlertNeedsItsCheckAndAPeriodAndIsDeletedWithTheCheck(t *testing.T) {
	a := newAccount(t)
	_, err := a.create(uptimeAlert, alertOf("none"))
	require.ErrorContains(t, err, "404")
	check := a.mustCreate(uptimeCheck, goodCheck)
	withoutPeriod := alertOf(check)
	delete(withoutPeriod, "period")
	_, err = a.create(uptimeAlert, withoutPeriod)
	require.ErrorContains(t, err, "period")
	_, err = a.create(uptimeCheck, merged(goodCheck, object{"target": "genericcorp.com"}))
	require.ErrorContains(t, err, "is not a URL")

	other := a.mustCreate(uptimeCheck, goodCheck)
	a.mustCreate(uptimeAlert, alertOf(check))
	kept := a.mustCreate(uptimeAlert, alertOf(other))
	require.NoError(t, a.remove(uptimeCheck, check, 0))
	assert.Equal(t, []string{kept}, a.ids(uptimeAlert))
}
