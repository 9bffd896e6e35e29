package onboarding

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/settings"
)

// Welcome returns the text with which a new customer is welcomed: host, limits, support, and
// what happens with the customer's data. It has no secret. What it says of the data is
// explained in docs/tenancy.md, docs/restore.md and docs/usage.md.
func Welcome(s settings.Settings, t settings.Tenant, support string) string {
	tier := t.Tier()
	lines := []string{
		"Welcome!",
		"",
		"Your address: https://" + t.Host(s.Domain),
		fmt.Sprintf("Your plan:    %s", tier.Name),
		"Support:      " + support,
		"",
		"You get the link for your first sign-in separately. It works once, for 72 hours. Anyone",
		"who has it can use it, so do not pass it on.",
		"",
		"The limits of your plan:",
		fmt.Sprintf("- storage: %d MiB. Above it you can read and delete, but store nothing new", tier.StorageMiB),
		fmt.Sprintf("- requests: %d a second, and up to %d more at once", tier.RequestsPerSecond, tier.Burst),
		fmt.Sprintf("- one database statement: %d seconds", tier.StatementSeconds),
		"",
		"How your data is kept:",
		"- It is in a database schema of its own. No other customer's login can read or change its rows.",
	}
	lines = append(lines, kept(s)...)
	lines = append(lines,
		"",
		"How to export it:",
		"- On the page Runs, export your runs as CSV or JSON, at any time.",
		"- Write to us for the daily figures of your usage. You get them as CSV.",
		"",
		"How it is deleted:",
		"- Write to us. We switch off your access, and your data stays as it is until you confirm.",
		"- Then we write one archive of it, and delete your data from the database. We delete the",
		"  archive when you say so.",
	)
	if s.Database.Kind == settings.DigitalOcean {
		lines = append(lines, "- The database's backups have your data for seven more days.")
	}
	lines = append(lines,
		"- Your daily usage is deleted with your data. Its sums stay, without your name.",
		fmt.Sprintf("- Metrics with your name are deleted after %d days.", s.Monitoring.RetentionDays),
	)
	return strings.Join(lines, "\n") + "\n"
}

// kept says where the database is, and what backups there are. Those of an external database are
// not known here.
func kept(s settings.Settings) []string {
	if s.Database.Kind != settings.DigitalOcean {
		return nil
	}
	return []string{
		fmt.Sprintf("- The database is at DigitalOcean, in its region %s. Connections to it are encrypted.", s.Region),
		"- We can restore it to any minute of the last seven days.",
	}
}
