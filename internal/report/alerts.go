package report

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/settings"
)

// receivers returns who receives alerts, and when.
func receivers(a settings.Alerts) string { return inside(a) + outside(a.DigitalOcean) }

// outside returns what DigitalOcean sends itself, and to whom.
func outside(d settings.DigitalOceanAlerts) string {
	var watched []string
	if len(d.Uptime) > 0 {
		watched = append(watched, "requests "+strings.Join(d.Uptime, ", ")+" from outside")
	}
	if d.Database {
		watched = append(watched, "watches the database")
	}
	if len(watched) == 0 {
		return ""
	}
	return fmt.Sprintf("; DigitalOcean %s, and writes to %s", strings.Join(watched, " and "), d.Email)
}

func inside(a settings.Alerts) string {
	if !a.Delivered() {
		return "no message is sent for them; set settings.alerts.webhook or settings.alerts.email"
	}
	var to []string
	if a.Webhook != "" {
		to = append(to, fmt.Sprintf("the webhook in platform:alertWebhookUrl (%s)", a.Webhook))
	}
	if a.Email.To != "" {
		to = append(to, a.Email.To)
	}
	out := "go to " + strings.Join(to, " and to ")
	if a.QuietHours.From != "" {
		out += fmt.Sprintf("; warnings wait from %s to %s UTC", a.QuietHours.From, a.QuietHours.To)
	}
	return out
}
