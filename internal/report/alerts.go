package report

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/settings"
)

// receivers returns who receives alerts, and when.
func receivers(a settings.Alerts) string {
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
