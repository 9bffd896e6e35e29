package usage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/onboarding"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// Four customers: acme has done every step, beta has signed in, corp was only created, and delta is
// in the stack file only. gone was purged. The figures come from the real database and the real
// VictoriaMetrics.
func TestProgressOfCustomersIsReadFromTheDatabaseAndTheMetrics(t *testing.T) {
	b := newBed(t, 17)
	b.reconcile(t, named("acme", "beta", "corp"))
	var lines strings.Builder
	count := func(of, labels string, days ...int) {
		for n, ago := range days {
			fmt.Fprintf(&lines, "%s{namespace=\"app\",tenant=%s} %d %d\n", of, labels, n+1, day(ago).UnixMilli()+3_600_000)
		}
	}
	count("app_logins_total", `"acme"`, 6, 5)
	count("app_logins_total", `"beta"`, 1)
	count("app_events_total", `"acme",event="run_started"`, 5, 4, 3)
	count("app_events_total", `"acme",event="feedback_sent"`, 2, 1)
	count("app_events_total", `"beta",event="member_joined"`, 1)
	b.write(t, lines.String())
	b.flush(t)
	super := b.superuser(t)
	run(t, super, "INSERT INTO platform.usage (tenant, day, requests, logins) SELECT 'acme', (now() AT TIME ZONE 'UTC')::date - n, CASE WHEN n % 2 = 0 THEN 10 ELSE 0 END, CASE WHEN n = 10 THEN 1 ELSE 0 END FROM generate_series(1, 12) n")

	s, err := settings.Load([]byte("domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: sre@genericcorp.com\n"))
	require.NoError(t, err)
	declared := append(named("acme", "beta", "corp", "delta"), settings.Tenant{Name: "gone", State: settings.Purged})
	from := onboarding.Sources{Database: postgrestest.Connect(t, b.URL(postgrestest.Admin)), Metrics: "http://" + b.metrics}
	all, err := onboarding.ProgressOf(t.Context(), from, s, declared)
	require.NoError(t, err)
	require.Len(t, all, 4, "a purged customer is left out")
	on := func(ago int) *string {
		text := day(ago).Format("2006-01-02")
		return &text
	}
	progress := func(name string) onboarding.Progress {
		return onboarding.Progress{Tenant: name, Tier: "starter", State: "active", Host: name + ".demo.genericcorp.com", Created: true}
	}
	acme, beta, corp, delta := progress("acme"), progress("beta"), progress("corp"), progress("delta")
	acme.FirstSignIn, acme.FirstRun, acme.Feedback, acme.Next = on(10), on(5), 2, "nothing" // the database knows an earlier sign-in
	acme.Week = &onboarding.Week{Days: 7, ActiveDays: 4, Requests: 40, Logins: 1}
	beta.FirstSignIn, beta.Next = on(1), "help with the first run"
	corp.Next = "ops tenant welcome, with --link"
	delta.Created, delta.Next = false, "pulumi up"
	assert.Equal(t, []onboarding.Progress{acme, beta, corp, delta}, all)

	from.Metrics = "http://" + freeAddress(t)
	_, err = onboarding.ProgressOf(t.Context(), from, s, declared)
	require.ErrorContains(t, err, "kubectl -n monitoring port-forward deploy/victoria-metrics 8428")
	from.Metrics, from.Database = "http://"+b.metrics, postgrestest.Connect(t, b.URL(postgrestest.App))
	_, err = onboarding.ProgressOf(t.Context(), from, s, declared)
	require.ErrorContains(t, err, "connect as the administrator")
}
