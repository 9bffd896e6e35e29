package settings

import (
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"

	"github.com/genericcorp/platform/internal/names"
)

// Alerts has the objectives of the app, and the receivers of alerts. Without a webhook and
// without an e-mail address no message is sent; the metric ALERTS still has the alerts. The
// [runbook](operations.md#alerts) has a section for each alert.
type Alerts struct {
	// AvailabilityPercent is the least share of requests that must not fail with a server
	// error. An alert fires when the errors that it allows in 30 days would be used up early.
	// Default: 99.5.
	// Values: 95 to 99.99.
	// Change: in place.
	AvailabilityPercent float64 `yaml:"availabilityPercent"`
	// LatencyMs is the time in milliseconds within which 95 % of the requests must be
	// answered. Live streams do not count.
	// Default: 1000.
	// Values: 100, 250, 500, 1000, 2500, 5000.
	// Change: in place.
	LatencyMs int `yaml:"latencyMs"`
	// Webhook is the form of the messages to the address in the secret
	// platform:alertWebhookUrl. `slack` is for Slack, and for services that understand its
	// messages, such as Mattermost. `json` is Alertmanager's own form, for any program.
	// Default: empty.
	// Values: slack, json.
	// Change: in place.
	Webhook string `yaml:"webhook"`

	Email        AlertEmail         `yaml:"email"`
	QuietHours   QuietHours         `yaml:"quietHours"`
	DigitalOcean DigitalOceanAlerts `yaml:"digitalocean"`
}

// AlertEmail is the e-mail that tells people of alerts. The password of the server is the secret
// platform:alertSmtpPassword.
type AlertEmail struct {
	// To is the address that receives alerts.
	// Default: empty.
	// Change: in place.
	To string `yaml:"to"`
	// From is the sender's address.
	// Default: empty.
	// Change: in place.
	From string `yaml:"from"`
	// Server is the mail server that takes the e-mail, with its TCP port. It must speak TLS.
	// DigitalOcean blocks port 25, and for many accounts 465 and 587 too; most mail services
	// accept 2525.
	// Default: empty.
	// Values: a host and a port, such as smtp.genericcorp.com:2525.
	// Change: in place.
	Server string `yaml:"server"`
	// User is the login at the server; empty means the sender.
	// Default: empty.
	// Change: in place.
	User string `yaml:"user"`
}

// QuietHours is the time of the day in which no warning is sent. Warnings are sent
// afterwards if they still fire. Pages are sent at any time.
type QuietHours struct {
	// From is the begin, in UTC.
	// Default: empty.
	// Values: "00:00" to "23:59", in quotes.
	// Change: in place.
	From string `yaml:"from"`
	// To is the end, in UTC. An end before the begin is on the next day.
	// Default: empty.
	// Values: "00:00" to "23:59", in quotes.
	// Change: in place.
	To string `yaml:"to"`
}

// Values of Alerts.Webhook.
const (
	Slack = "slack"
	JSON  = "json"
)

// Latencies are the durations in milliseconds for which Traefik counts the requests that take
// no longer.
var Latencies = []int{100, 250, 500, 1000, 2500, 5000}

// Delivered reports whether alerts have a receiver.
func (a Alerts) Delivered() bool { return a.Webhook != "" || a.Email.To != "" }

// Port returns the TCP port of the mail server, or 0 without one.
func (e AlertEmail) Port() int {
	_, text, _ := net.SplitHostPort(e.Server)
	port, _ := strconv.Atoi(text)
	return port
}

func (a Alerts) withDefaults() Alerts {
	setDefault(&a.AvailabilityPercent, 99.5)
	setDefault(&a.LatencyMs, 1000)
	setDefault(&a.DigitalOcean.Email, a.Email.To)
	return a
}

func (s Settings) validateAlerts(f *Faults) {
	a := s.Alerts
	// Below 95, a fast burn would be more than all requests.
	if percent := a.AvailabilityPercent; !(percent >= 95 && percent <= 99.99) { // NaN too
		f.add("alerts.availabilityPercent", "%v is not between 95 and 99.99", a.AvailabilityPercent)
	}
	if !slices.Contains(Latencies, a.LatencyMs) {
		f.add("alerts.latencyMs", "%d is not one of 100, 250, 500, 1000, 2500, 5000; Traefik counts no other durations", a.LatencyMs)
	}
	if a.Webhook != "" {
		oneOf(f, "alerts.webhook", a.Webhook, Slack, JSON)
	}
	a.Email.validate(f)
	a.QuietHours.validate(f)
	s.validateDigitalOceanAlerts(f)
	if s.Cluster.Kind == DigitalOcean && a.Email.Port() == 25 {
		f.add("alerts.email.server", "has port 25, which DigitalOcean blocks; write the server's port for mail programs, such as 2525")
	}
}

func (e AlertEmail) validate(f *Faults) {
	if e == (AlertEmail{}) {
		return
	}
	for path, address := range map[string]string{"alerts.email.to": e.To, "alerts.email.from": e.From} {
		if address == "" {
			f.add(path, "is missing; an e-mail needs to, from and server")
		} else if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
			f.add(path, "%q is not an e-mail address such as sre@genericcorp.com", address)
		}
	}
	host, _, err := net.SplitHostPort(e.Server)
	switch {
	case e.Server == "":
		f.add("alerts.email.server", "is missing; an e-mail needs to, from and server")
	case err != nil || names.Domain(host) != nil || e.Port() < 1 || e.Port() > 65535:
		f.add("alerts.email.server", "%q is not a host and a port such as smtp.genericcorp.com:2525", e.Server)
	}
	if strings.ContainsAny(e.User, "\r\n") {
		f.add("alerts.email.user", "has a line break")
	}
}

func (q QuietHours) validate(f *Faults) {
	if q == (QuietHours{}) {
		return
	}
	for path, text := range map[string]string{"alerts.quietHours.from": q.From, "alerts.quietHours.to": q.To} {
		if !hour.MatchString(text) {
			f.add(path, "%q is not a time in UTC such as \"22:00\" (quoted); quiet hours need from and to", text)
		}
	}
	if q.From == q.To {
		f.add("alerts.quietHours", "begin and end at the same time; warnings would never be sent")
	}
}
