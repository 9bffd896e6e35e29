package server_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// day returns the text of a day of the month that is n months ago (UTC).
func day(n, of int) string {
	now := time.Now().UTC()
	return time.Date(now.Year(), now.Month()-time.Month(n), of, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// counting starts AgentHQ on a platform that has counted days of beta, and one of acme.
func counting(t *testing.T) *app {
	t.Helper()
	a := start(t)
	a.postgres.Count(t, "../../..")
	for _, row := range []string{
		"(tenant, day, requests, errors, bytes, p95, last_request, storage, rows, rows_written, connections, logins, events) VALUES " +
			"('beta', '" + day(0, 1) + "', 12345, 67, 3145728, 0.25, '" + day(0, 1) + " 20:00Z', 134217728, 5, 6, 7, 8, 9)",
		"(tenant, day, requests, errors, bytes, storage, rows, rows_written, connections) VALUES ('beta', '" + day(0, 2) + "', 0, 10, 20, 268435456, 5, 30, 1)",
		"(tenant, day, requests) VALUES ('beta', '" + day(1, 28) + "', 4321)",
		"(tenant, day, requests) VALUES ('acme', '" + day(0, 1) + "', 777777)",
	} {
		a.postgres.Run(t, "INSERT INTO platform.usage "+row)
	}
	return a
}

// cells returns a part of a row of the page's table.
func cells(texts ...string) string {
	return `<td class="num">` + strings.Join(texts, `</td><td class="num">`) + "</td>"
}

func TestUsagePageShowsTheDaysOfTheMonthAgainstThePlan(t *testing.T) {
	a := counting(t)
	c := a.owner(t)
	page := c.get("/usage").body
	for _, want := range []string{
		"Active days: <strong>1</strong>. Requests: <strong>12,345</strong>. Errors: <strong>77</strong>. Sent: <strong>3.0 MiB</strong>. Sign-ins: <strong>8</strong>.",
		"<strong>256.0 MiB</strong> of 512.0 MiB", `value="50" aria-label="Largest storage of the month"`,
		cells("12,345", "67", "250 ms", "3.0 MiB", "128.0 MiB", "7", "8"), cells("0", "10", "–", "0.0 MiB", "256.0 MiB", "1", "–"),
		`<a href="/usage?month=` + day(1, 1)[:7] + `">The month before</a>`,
	} {
		assert.Contains(t, page, want)
	}
	for _, foreign := range []string{"777,777", "4,321"} {
		assert.NotContains(t, page, foreign)
	}
	before := c.get("/usage?month=" + day(1, 1)[:7]).body
	assert.Contains(t, before, "Requests: <strong>4,321</strong>. Errors: <strong>–</strong>.")
	assert.NotContains(t, before, "Largest storage", "it was not measured")
	oldest := c.get("/usage?month=" + day(25, 1)[:7]).body
	assert.Contains(t, oldest, "No day of this month is counted yet.")
	assert.NotContains(t, oldest, "The month before")
}

func TestOwnerDownloadsTheUsageOfAMonth(t *testing.T) {
	a := counting(t)
	c := a.owner(t)
	r := c.get("/export/usage.csv")
	assert.Equal(t, `attachment; filename="usage-`+day(0, 1)[:7]+`.csv"`, r.Header.Get("Content-Disposition"))
	lines, err := csv.NewReader(strings.NewReader(r.body)).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, [][]string{
		{"day", "requests", "errors", "bytes", "p95_seconds", "last_request", "storage_bytes", "rows", "rows_written", "connections", "logins", "events"},
		{day(0, 1), "12345", "67", "3145728", "0.25", day(0, 1) + "T20:00:00Z", "134217728", "5", "6", "7", "8", "9"},
		{day(0, 2), "0", "10", "20", "", "", "268435456", "5", "30", "1", "", ""},
	}, lines)
	assert.JSONEq(t, fmt.Sprintf(`[
		{"day": %q, "requests": 12345, "errors": 67, "bytes": 3145728, "p95_seconds": 0.25, "last_request": %q, "storage_bytes": 134217728, "rows": 5, "rows_written": 6, "connections": 7, "logins": 8, "events": 9},
		{"day": %q, "requests": 0, "errors": 10, "bytes": 20, "p95_seconds": null, "last_request": null, "storage_bytes": 268435456, "rows": 5, "rows_written": 30, "connections": 1, "logins": null, "events": null}
	]`, day(0, 1), day(0, 1)+"T20:00:00Z", day(0, 2)), c.get("/export/usage.json").body)
	assert.Contains(t, c.get("/export/usage.csv?month="+day(1, 1)[:7]).body, "\n"+day(1, 28)+",4321,,,")
	assert.JSONEq(t, "[]", c.get("/export/usage.json?month="+day(2, 1)[:7]).body)
	for _, wrong := range []string{day(-1, 1)[:7], day(26, 1)[:7], "2026", "2026-13", "1", "%00", "%ff", "2026-11-01", "'"} {
		for _, path := range []string{"/usage", "/export/usage.csv", "/export/usage.json"} {
			got := c.get(path + "?month=" + wrong)
			assert.Equal(t, http.StatusUnprocessableEntity, got.StatusCode, path+wrong)
			assert.Contains(t, got.body, "The month must be from "+day(25, 1)[:7]+" to "+day(0, 1)[:7])
		}
	}
	a.postgres.Run(t, "UPDATE platform.usage SET requests = -1")
	assert.Contains(t, c.get("/export/usage.csv").body, ",'-1,", "a spreadsheet takes no cell for a formula")
}

func TestMemberReadsTheUsageAndOnlyAnOwnerDownloadsIt(t *testing.T) {
	a := counting(t)
	owner := a.owner(t)
	link := linkText.FindStringSubmatch(owner.post("/members", "email", "max@example.com").body)[1]
	member := a.client(t, "beta.hq.test")
	require.Equal(t, http.StatusSeeOther, member.post(link, "name", "Max", "password", "another long one").StatusCode)
	assert.Contains(t, owner.get("/usage").body, "/export/usage.csv")
	page := member.get("/usage").body
	assert.Contains(t, page, "12,345")
	assert.NotContains(t, page, "/export/usage")
	for _, path := range []string{"/export/usage.csv", "/export/usage.json"} {
		r := member.get(path)
		assert.Equal(t, http.StatusForbidden, r.StatusCode)
		assert.Contains(t, r.body, "Only an owner of the team may do this.")
		assert.Equal(t, "/sign-in", a.client(t, "beta.hq.test").get(path).Header.Get("Location"))
	}
}

// There is no platform with one tenant on a server of its own, and before the platform's first update.
func TestUsagePageSaysThatNothingIsCountedWithoutThePlatform(t *testing.T) {
	postgres, env := alone(t)
	a, path := firstLink(t, postgres, env)
	c := a.client(t, "hq.example:8443")
	require.Equal(t, http.StatusSeeOther, c.post(path, "name", "Olga", "email", "olga@example.com", "password", "a long password").StatusCode)
	// Then there is a view, but the app lacks the right to read it, or the one to use its schema.
	for _, statement := range []string{
		"SELECT 1", "CREATE SCHEMA platform_usage CREATE VIEW days AS SELECT 1", "GRANT SELECT ON platform_usage.days TO PUBLIC",
		"REVOKE SELECT ON platform_usage.days FROM PUBLIC; GRANT USAGE ON SCHEMA platform_usage TO PUBLIC",
	} {
		postgres.Run(t, statement)
		page := c.get("/usage")
		assert.Equal(t, http.StatusOK, page.StatusCode, statement)
		assert.Contains(t, page.body, "Usage by day is not counted on this server.")
		assert.NotContains(t, page.body, "/export/usage")
		assert.Equal(t, http.StatusNotFound, c.get("/export/usage.csv").StatusCode, statement)
	}
}
