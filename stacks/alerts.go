package stacks

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/monitoring"
	"github.com/genericcorp/platform/components/uptime"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// alertSecrets are empty where the stack does not use them. oauth is the secret of Grafana at the
// provider with which people sign in.
type alertSecrets struct{ webhookURL, password, heartbeatURL, oauth string }

var (
	alertWebhookSecret   = secret{settings.AlertWebhookKey, " (the https:// address to which alerts are sent)"}
	alertPasswordSecret  = secret{settings.AlertPasswordKey, " (the password at the mail server of settings.alerts.email)"}
	oauthSecret          = secret{settings.GrafanaOAuthKey, " (the client's secret at the provider of settings.monitoring.oauth)"}
	alertHeartbeatSecret = secret{settings.AlertHeartbeatKey, " (the https:// address that must get a message every minute)"}
)

// readAlertSecrets reads the secrets that settings.alerts and settings.monitoring need. A secret
// without its setting is a fault, because somebody expects to be told of alerts, and would not be.
func (c *config) readAlertSecrets(ctx *pulumi.Context) error {
	var faults []error
	for _, entry := range []struct {
		into    *string
		from    secret
		setting string
		used    bool
	}{
		{&c.alertSecrets.webhookURL, alertWebhookSecret, "settings.alerts.webhook", c.Alerts.Webhook != ""},
		{&c.alertSecrets.password, alertPasswordSecret, "settings.alerts.email", c.Alerts.Email.To != ""},
		{&c.alertSecrets.oauth, oauthSecret, "settings.monitoring.oauth", c.Monitoring.OAuth.Used()},
	} {
		value, given := ctx.GetConfig(entry.from.key)
		switch {
		case entry.used:
			var err error
			*entry.into, err = entry.from.read(ctx)
			faults = append(faults, err)
		case given && value != "":
			faults = append(faults, fmt.Errorf("%s: is set, but %s is not; set it too, or run: pulumi config rm %[1]s", entry.from.key, entry.setting))
		}
	}
	c.alertSecrets.heartbeatURL, _ = ctx.GetConfig(alertHeartbeatSecret.key)
	faults = append(faults, webAddress(alertWebhookSecret, c.alertSecrets.webhookURL), webAddress(alertHeartbeatSecret, c.alertSecrets.heartbeatURL))
	return errors.Join(faults...)
}

// webAddress returns an error, without the address, unless that is empty or https:// with port
// 443. The network policies allow no other port.
func webAddress(of secret, address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Port() != "" && u.Port() != "443" {
		return fmt.Errorf("%s: is not an https:// address with the port 443; run: pulumi config set --secret %[1]s", of.key)
	}
	return nil
}

// alerts returns the arguments of the alerts: objectives and receivers.
func (s *stack) alerts() monitoring.Alerts {
	a := s.Alerts
	return monitoring.Alerts{
		AvailabilityPercent: a.AvailabilityPercent, LatencyMillis: a.LatencyMs, Webhook: a.Webhook,
		Email:     monitoring.AlertEmail{To: a.Email.To, From: a.Email.From, Server: a.Email.Server, User: a.Email.User, Port: a.Email.Port()},
		QuietFrom: a.QuietHours.From, QuietTo: a.QuietHours.To,
		WebhookURL: used(s.alertSecrets.webhookURL), EmailPassword: used(s.alertSecrets.password), HeartbeatURL: used(s.alertSecrets.heartbeatURL),
	}
}

// costs returns the bill, and the room that its sizes leave for tenants.
func (s *stack) costs() monitoring.Costs {
	room := sizing.HeadroomOf(s.Settings, s.plan).Tenants
	out := monitoring.Costs{
		LimitCents: int(s.Budget.MonthlyUSD), MoreTenants: room.More, StepCents: int(room.Step), IncludedGiB: s.plan.IncludedTransferGiB(),
	}
	for _, line := range s.plan.Bill {
		out.Bill = append(out.Bill, monitoring.BillLine{Item: line.Item, UnitCents: int(line.Unit), Quantity: line.Quantity})
	}
	return out
}

// databaseAlertEmail returns the address for DigitalOcean's alerts of the database; empty without.
func (s *stack) databaseAlertEmail() string {
	if !s.Alerts.DigitalOcean.Database {
		return ""
	}
	return s.Alerts.DigitalOcean.Email
}

// uptimeChecks declares the checks from outside, if there are any. They come after all that a
// host needs to answer, so that a first update sends no alert.
func (s *stack) uptimeChecks(ctx *pulumi.Context) error {
	d := s.Alerts.DigitalOcean
	if len(d.Uptime) == 0 {
		return nil
	}
	args := uptime.Args{Email: d.Email}
	for _, entry := range d.Uptime {
		path := s.App.HealthPath
		if entry == settings.UptimeGrafana {
			path = grafanaHealthPath
		}
		args.Checks = append(args.Checks, uptime.Check{Name: entry, URL: "https://" + s.UptimeHost(entry) + path})
	}
	u, err := uptime.New(ctx, s.name, args, pulumi.Provider(s.digitalocean), s.registered.after(s.components...))
	if err != nil {
		return err
	}
	s.components = append(s.components, u)
	return nil
}

// grafanaHealthPath answers 200 without a login (docs of Grafana's HTTP API, other).
const grafanaHealthPath = "/api/health"

// oauth returns how people sign in to Grafana, beside its user "admin".
func (s *stack) oauth() monitoring.OAuth {
	o := s.Monitoring.OAuth
	return monitoring.OAuth{
		ClientID: o.ClientID, AuthURL: o.AuthURL, TokenURL: o.TokenURL, APIURL: o.APIURL, Domain: o.AllowedDomain, Secret: used(s.alertSecrets.oauth),
	}
}

// used returns a secret, or nil if it is empty.
func used(value string) pulumi.StringInput {
	if value == "" {
		return nil
	}
	return secretString(value)
}
