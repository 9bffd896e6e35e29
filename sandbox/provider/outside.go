package provider

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// This file simulates DigitalOcean's checks from outside and its alerts. The allowed values are
// those of resource_uptime_check.go, resource_uptime_alert.go and resource_monitor_alert.go of
// digitalocean/terraform-provider-digitalocean, and of digitalocean/openapi (uptime/models,
// monitoring/models). What the API does with them was measured on a real account in September
// 2026 by Planton (its guides to DigitalOceanUptimeCheck and DigitalOceanMonitorAlert).

const (
	tokenUptimeCheck = "digitalocean:index/uptimeCheck:UptimeCheck"
	tokenUptimeAlert = "digitalocean:index/uptimeAlert:UptimeAlert"
)

// allowed are the values that a text or each text of a list may have.
type allowed map[resource.PropertyKey][]string

// check returns a failure for each text that is not allowed.
func (a allowed) check(in resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	for key, values := range a {
		given := texts(in[key])
		if in[key].IsString() {
			given = []string{in[key].StringValue()}
		}
		for _, value := range given {
			if !slices.Contains(values, value) {
				failures = append(failures, plugin.CheckFailure{Property: key, Reason: fmt.Sprintf("expected one of %q, got %s", values, value)})
			}
		}
	}
	return failures
}

func (d *digitalOcean) uptimeCheckKind() *kind {
	return &kind{
		inputs: []string{"enabled", "name", "regions", "target", "type"}, required: []string{"name", "target"}, id: uuid(tokenUptimeCheck),
		check: func(_ string, in resource.PropertyMap) []plugin.CheckFailure {
			return allowed{"type": {"ping", "http", "https"}, "regions": {"us_east", "us_west", "eu_west", "se_asia"}}.check(unwrap(in))
		},
		checkCloud: func(in resource.PropertyMap) error {
			kind, target := text(in, "type"), text(in, "target")
			if u, err := url.Parse(target); kind != "ping" && (err != nil || u.Host == "") {
				return fmt.Errorf("400: invalid value for field 'target': %q is not a URL", target)
			}
			return nil
		},
		afterDelete: func(id string, _ cloud.Object) error { return d.deleteAlertsOf(id) },
	}
}

// deleteAlertsOf deletes the alerts of a deleted check, as the API does
// (docs.digitalocean.com/products/uptime/how-to/destroy-checks).
func (d *digitalOcean) deleteAlertsOf(check string) error {
	ids, err := d.cloud.IDs(tokenUptimeAlert)
	errs := []error{err}
	for _, id := range ids {
		alert, _, err := d.cloud.Get(tokenUptimeAlert, id)
		if alert.Inputs["checkId"] == check {
			err = errors.Join(err, d.cloud.Delete(tokenUptimeAlert, id))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (d *digitalOcean) uptimeAlertKind() *kind {
	return &kind{
		inputs:   []string{"checkId", "comparison", "name", "notifications", "period", "threshold", "type"},
		required: []string{"checkId", "name", "notifications", "type"}, id: uuid(tokenUptimeAlert),
		check: func(_ string, in resource.PropertyMap) []plugin.CheckFailure {
			in = unwrap(in)
			failures := allowed{
				"type":       {"latency", "down", "down_global", "ssl_expiry"},
				"comparison": {"greater_than", "less_than"},
				"period":     {"2m", "3m", "5m", "10m", "15m", "30m", "1h"},
			}.check(in)
			for _, n := range list(in["notifications"]) {
				failures = append(failures, checkChannels("notifications", n)...)
			}
			return failures
		},
		checkCloud: func(in resource.PropertyMap) error {
			if text(in, "period") == "" {
				return errors.New("400: invalid value for field 'period': is required")
			}
			for _, n := range list(in["notifications"]) {
				if err := d.checkEmails("notifications.email", n); err != nil {
					return err
				}
			}
			return d.exists(tokenUptimeCheck, text(in, "checkId"))
		},
		// The provider asks the new check for the alert of the old one.
		checkUpdate: func(olds, news resource.PropertyMap) error {
			if text(olds, "checkId") != text(news, "checkId") {
				return errors.New("Error updating Alert: 404: the check has no such alert") //nolint:staticcheck // the provider's own words
			}
			return nil
		},
		onRead:   d.readUptimeAlert,
		importID: func(id string) string { return id[strings.LastIndex(id, ",")+1:] },
	}
}

// readUptimeAlert sets what the API sets, whatever it was told. An alert whose check is gone does
// not exist.
func (d *digitalOcean) readUptimeAlert(o *cloud.Object) (bool, error) {
	switch o.Inputs["type"] {
	case "down", "down_global":
		o.Inputs["threshold"], o.Inputs["comparison"] = 1, "less_than"
	case "ssl_expiry":
		o.Inputs["comparison"] = "less_than"
	}
	check, _ := o.Inputs["checkId"].(string)
	_, found, err := d.cloud.Get(tokenUptimeCheck, check)
	return found, err
}

func (d *digitalOcean) monitorAlertKind() *kind {
	return &kind{
		inputs:   []string{"alerts", "compare", "description", "enabled", "entities", "tags", "type", "value", "window"},
		required: []string{"alerts", "compare", "description", "type", "value", "window"}, id: uuid("monitorAlert"), unknown: []string{"uuid"},
		check: func(_ string, in resource.PropertyMap) []plugin.CheckFailure {
			in = unwrap(in)
			failures := append(checkChannels("alerts", in["alerts"]), allowed{
				// The sandbox has the types for databases only.
				"type":    {"v1/dbaas/alerts/load_15_alerts", "v1/dbaas/alerts/cpu_alerts", "v1/dbaas/alerts/memory_utilization_alerts", "v1/dbaas/alerts/disk_utilization_alerts"},
				"compare": {"GreaterThan", "LessThan"}, "window": {"5m", "10m", "30m", "1h"},
			}.check(in)...)
			return failures
		},
		checkCloud: func(in resource.PropertyMap) error { return d.checkEmails("alerts.email", in["alerts"]) },
		// The provider never sets the attribute uuid.
		compute: func(string, resource.PropertyMap) map[string]any { return map[string]any{"uuid": ""} },
	}
}

func list(v resource.PropertyValue) []resource.PropertyValue {
	if v.IsArray() {
		return v.ArrayValue()
	}
	return nil
}

// checkChannels returns a failure for each key of the receivers that the provider does not have.
func checkChannels(path resource.PropertyKey, channels resource.PropertyValue) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	if channels.IsObject() {
		for key := range channels.ObjectValue() {
			if key != "emails" && key != "slacks" {
				failures = append(failures, plugin.CheckFailure{Property: path, Reason: fmt.Sprintf("has no property %q", key)})
			}
		}
	}
	return failures
}

// checkEmails returns an error for receivers that the API refuses: none at all, or an address of
// nobody in the team (digitalocean/openapi#830 has the text). An account without a cloud.TokenTeam
// accepts every address.
func (d *digitalOcean) checkEmails(path string, channels resource.PropertyValue) error {
	in := resource.PropertyMap{}
	if channels.IsObject() {
		in = channels.ObjectValue()
	}
	emails := texts(in["emails"])
	if len(emails) == 0 && len(list(in["slacks"])) == 0 {
		return fmt.Errorf("400: invalid value for field '%s': there is no receiver", path)
	}
	team, limited, err := d.cloud.Get(cloud.TokenTeam, "members")
	if err != nil || !limited {
		return err
	}
	members, _ := team.Inputs["emails"].([]any)
	for i, email := range emails {
		if !slices.Contains(members, any(email)) {
			return fmt.Errorf("400: invalid value for field '%s[%d]': invalid email '%s'", path, i, email)
		}
	}
	return nil
}
