package server_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/runs"
)

func TestTheDemoTellsItsStory(t *testing.T) {
	a := start(t)
	page := a.client(t, "acme.hq.test").get("/sign-in")
	assert.Contains(t, page.body, demo.Password)
	assert.Contains(t, page.body, "reset every night")
	c := a.visitor(t)
	for path, want := range map[string][]string{
		"/runs":                   {"Sort the tickets of today", "running", "Older runs", "support-triage"},
		"/runs?status=failed":     {"Review: move to the new billing module", "Match payments of yesterday"},
		"/runs?q=billing":         {"billing module"},
		"/runs?agent=no-such-one": {"No run matches"},
		"/costs":                  {"<svg", "code-reviewer", "failed"},
		"/keys":                   {"Production agents"},
		"/members":                {"Mira Okafor", "owner"},
		"/usage":                  {"Runs this month", "Storage", "Seats", "of 1,500", "<strong>demo</strong>"},
		"/feedback":               {"What should be better?"},
	} {
		r := c.get(path)
		assert.Equal(t, http.StatusOK, r.StatusCode, path)
		for _, text := range want {
			assert.Contains(t, r.body, text, path)
		}
	}
	assert.NotContains(t, c.get("/runs?status=failed").body, "Sort the tickets of today")
}

func TestPagingReachesEveryRunOnce(t *testing.T) {
	c := start(t).visitor(t)
	seen, path := map[string]bool{}, "/runs"
	for range 20 {
		body := c.get(path).body
		for _, part := range strings.Split(body, `href="/runs/`)[1:] {
			id := part[:36]
			assert.False(t, seen[id], "%s is on two pages", id)
			seen[id] = true
		}
		_, rest, more := strings.Cut(body, `class="button" href="`)
		if !more {
			break
		}
		path, _, _ = strings.Cut(rest, `"`)
		path = html.UnescapeString(path)
	}
	var all []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(c.get("/export/runs.json").body), &all))
	assert.Len(t, seen, len(all))
	assert.Greater(t, len(all), 50)
}

func TestATeamFromTheFirstOwnerToItsMembers(t *testing.T) {
	a := start(t)
	owner := a.owner(t)
	assert.Contains(t, owner.get("/runs").body, "curl https://beta.hq.test/api/v1/runs", "the empty state has the first step")
	invited := owner.post("/members", "email", "max@example.com", "role", "member")
	link := linkText.FindStringSubmatch(invited.body)[1]
	assert.NotContains(t, owner.get("/members").body, link, "a link is shown once")

	member := a.client(t, "beta.hq.test")
	assert.Contains(t, member.get(link).body, "max@example.com")
	short := member.post(link, "name", "Max", "password", "short")
	assert.Equal(t, http.StatusUnprocessableEntity, short.StatusCode)
	assert.Contains(t, short.body, "12 to 200 characters")
	assert.Equal(t, http.StatusSeeOther, member.post(link, "name", "Max", "password", "another long one").StatusCode)
	assert.Equal(t, http.StatusNotFound, a.client(t, "beta.hq.test").get(link).StatusCode, "a link works once")

	assert.Equal(t, http.StatusForbidden, member.post("/members", "email", "x@example.com").StatusCode)
	assert.Equal(t, http.StatusForbidden, member.post("/members/1/remove").StatusCode)
	assert.Equal(t, http.StatusForbidden, member.post("/invitations/withdraw", "email", "x@example.com").StatusCode)
	assert.Equal(t, http.StatusConflict, owner.post("/members", "email", "max@example.com").StatusCode)
	assert.Equal(t, http.StatusUnprocessableEntity, owner.post("/members", "email", "nobody").StatusCode)
	assert.Equal(t, http.StatusConflict, owner.post("/members/1/remove").StatusCode, "the last owner stays")
	assert.Equal(t, http.StatusSeeOther, owner.post("/members/2/remove").StatusCode)
	assert.Equal(t, "/sign-in", member.get("/runs").Header.Get("Location"), "a removed member is signed out")

	owner.post("/members", "email", "new@example.com")
	assert.Contains(t, owner.get("/members").body, "new@example.com")
	assert.Equal(t, http.StatusSeeOther, owner.post("/invitations/withdraw", "email", "new@example.com").StatusCode)
	assert.NotContains(t, owner.get("/members").body, "new@example.com")

	assert.Equal(t, "/feedback?sent=1", owner.post("/feedback", "message", "More colours").Header.Get("Location"))
	assert.Contains(t, owner.get("/feedback?sent=1").body, "Thank you")
	assert.Equal(t, http.StatusUnprocessableEntity, owner.post("/feedback", "message", " ").StatusCode)
	owner.post("/sign-out")
	assert.Equal(t, "/sign-in", owner.get("/runs").Header.Get("Location"))
	assert.Equal(t, http.StatusSeeOther, owner.signIn("Olga@example.com", "a long password").StatusCode)
}

func TestExportsHaveTheFilterOfTheList(t *testing.T) {
	c := start(t).visitor(t)
	r := c.get("/export/runs.csv?status=failed")
	assert.Equal(t, `attachment; filename="runs.csv"`, r.Header.Get("Content-Disposition"))
	rows, err := csv.NewReader(strings.NewReader(r.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	assert.Equal(t, "cost_usd", rows[0][6])
	assert.Equal(t, "failed", rows[1][4])
	assert.JSONEq(t, "[]", c.get("/export/runs.json?q=nothing-has-this").body)
	assert.Equal(t, http.StatusNotFound, c.get("/export/runs.xml").StatusCode)
}

func TestALargeExportEndsWhereThePageSaysThatItDoes(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	a.postgres.Run(t, "INSERT INTO tenant_beta.runs (agent, title, started_at) SELECT 'a', 'number ' || n, '2026-01-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 20003) n")
	assert.Contains(t, c.get("/runs").body, "An export has at most 20,000 runs, the newest ones.")
	rows, err := csv.NewReader(strings.NewReader(c.get("/export/runs.csv").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 20_001)
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		assert.False(t, seen[row[2]], row)
		seen[row[2]] = true
	}
	assert.Equal(t, "number 20003", rows[1][2], "the newest is the first")
	assert.Equal(t, "number 4", rows[20_000][2])
}

func TestAFormulaInAnExportIsText(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	agent := a.agent(t, c)
	evil := `=HYPERLINK("https://evil.example")`
	run := decode(t, agent.json("POST", "/api/v1/runs", object{"agent": evil, "title": evil, "model": evil}))
	require.Equal(t, http.StatusOK, agent.json("PATCH", "/api/v1/runs/"+run["id"].(string), object{"status": "failed", "error": evil}).StatusCode)
	rows, err := csv.NewReader(strings.NewReader(c.get("/export/runs.csv").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for i, cell := range rows[1] {
		assert.NotRegexp(t, `^[=+\-@\t\r]`, cell, rows[0][i])
	}
	assert.Equal(t, 4, strings.Count(strings.Join(rows[1], ","), "'=HYPERLINK"))
}

func TestAnAddressWithAnythingInItsQueryIsAnswered(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	run := a.agent(t, c).newRun("Whatever")
	for _, text := range []string{"%00", "%ff", "a%00b", "%27%3BDROP", "-1", "99999999999999999999", "NjAwMDAwLTAxLTAx", "MjAyNi0wMS0wMVQwMDowMDowMFogeA", strings.Repeat("x", 5000)} {
		for _, path := range []string{"/runs?q=", "/runs?agent=", "/runs?status=", "/runs?before=", "/export/runs.csv?q=", "/export/runs.json?before=", "/runs/" + run + "?after=", "/feedback?sent=", "/account?changed="} {
			assert.Equal(t, http.StatusOK, c.get(path+text).StatusCode, path+text)
		}
		assert.Contains(t, []int{http.StatusNotFound, http.StatusBadRequest}, c.get("/runs/"+text).StatusCode, text)
	}
}

func TestALongTimelineIsShownInPagesWithEachEventOnce(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	agent := a.agent(t, c)
	id := agent.newRun("Long")
	for range 5 {
		list := slices.Repeat([]any{object{"kind": "log", "message": "x"}}, 100)
		require.Equal(t, http.StatusCreated, agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": list}).StatusCode)
	}
	var seen []string
	event, later := regexp.MustCompile(`<li id="event-(\d+)"`), regexp.MustCompile(`href="([^"]+)">Later events<`)
	path := "/runs/" + id
	for pages := 1; ; pages++ {
		body := c.get(path).body
		for _, match := range event.FindAllStringSubmatch(body, -1) {
			seen = append(seen, match[1])
		}
		next := later.FindStringSubmatch(body)
		assert.Equal(t, next != nil, strings.Contains(body, " hidden>"), "only the last page follows live")
		if next == nil {
			assert.Equal(t, 3, pages)
			break
		}
		require.Less(t, pages, 10)
		path = html.UnescapeString(next[1])
	}
	require.Len(t, seen, 500)
	for i, n := range seen {
		assert.Equal(t, strconv.Itoa(i+1), n)
	}
}

// reading is a live stream that a test reads line by line.
func reading(t *testing.T, c *client, path string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+c.host+path, nil)
	require.NoError(t, err)
	got, err := c.http.Do(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = got.Body.Close() })
	require.Equal(t, http.StatusOK, got.StatusCode)
	assert.Equal(t, "text/event-stream", got.Header.Get("Content-Type"))
	return bufio.NewScanner(got.Body)
}

// until reads lines up to one that contains a text.
func until(t *testing.T, s *bufio.Scanner, text string) string {
	t.Helper()
	var all strings.Builder
	for s.Scan() {
		all.WriteString(s.Text() + "\n")
		if strings.Contains(s.Text(), text) {
			return all.String()
		}
	}
	require.Fail(t, "the stream ended", "without %q:\n%s", text, all.String())
	return ""
}

func TestATimelineFollowsLiveUntilTheRunEnds(t *testing.T) {
	a := start(t)
	member := a.visitor(t)
	agent := a.agent(t, member)
	id := agent.newRun("Live")
	assert.Contains(t, member.get("/runs/"+id).body, "No events yet")
	stream := reading(t, member, "/runs/"+id+"/stream?after=0")
	until(t, stream, "event: summary")
	agent.json("POST", "/api/v1/runs/"+id+"/events", map[string]any{"events": []any{map[string]any{"kind": "log", "message": "first\n<b>line</b>"}}})
	got := until(t, stream, "&lt;b&gt;line&lt;/b&gt;")
	assert.Contains(t, got, "id: 1")
	for _, line := range strings.Split(strings.TrimSpace(got), "\n") {
		assert.Regexp(t, `^((id|event|data|): .*)?$`, line)
	}
	agent.json("PATCH", "/api/v1/runs/"+id, map[string]any{"status": "failed", "error": "broken"})
	assert.Contains(t, until(t, stream, "event: end"), "broken")
	assert.Contains(t, member.get("/runs/"+id).body, "broken")

	again := reading(t, member, "/runs/"+id+"/stream?after=1")
	assert.NotContains(t, until(t, again, "event: end"), "event: entry", "a browser that connects again gets new events only")
	assert.Equal(t, http.StatusUnauthorized, a.client(t, "acme.hq.test").get("/runs/"+id+"/stream").StatusCode)
	assert.Equal(t, http.StatusNotFound, member.get("/runs/00000000-0000-0000-0000-000000000000/stream").StatusCode)
}

func TestALiveStreamEndsWithTheSession(t *testing.T) {
	a := start(t)
	member := a.visitor(t)
	id := a.agent(t, member).newRun("Live")
	stream := reading(t, member, "/runs/"+id+"/stream")
	until(t, stream, "event: summary")
	member.post("/sign-out")
	for stream.Scan() {
		assert.NotContains(t, stream.Text(), "event:")
	}
}

func TestTheDemoIsResetOnceADay(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	id := a.agent(t, c).newRun("By a visitor")
	assert.Equal(t, http.StatusForbidden, c.post("/members/1/remove").StatusCode, "the demo's account stays")
	c.post("/feedback", "message", "kept")
	s := a.Demo()
	tomorrow := time.Now().Add(24 * time.Hour)
	done, err := demo.Reset(context.Background(), s, time.Now())
	require.NoError(t, err)
	assert.False(t, done)
	done, err = demo.Reset(context.Background(), s, tomorrow)
	require.NoError(t, err)
	assert.True(t, done)
	c = a.visitor(t)
	assert.Equal(t, http.StatusNotFound, c.get("/runs/"+id).StatusCode)
	assert.NotContains(t, c.get("/members").body, pgtest.Domain)
	require.NoError(t, demo.Continue(context.Background(), s, tomorrow.Add(time.Minute)))
}

func TestTheResetOfADemoAboveItsStorageDeletesFirst(t *testing.T) {
	a := start(t)
	ctx, tomorrow := context.Background(), time.Now().Add(24*time.Hour)
	conn := a.postgres.Admin(t)
	_, err := conn.Exec(ctx, "REVOKE INSERT, UPDATE ON ALL TABLES IN SCHEMA tenant_acme FROM tenant_acme")
	require.NoError(t, err)
	_, err = demo.Reset(ctx, a.Demo(), tomorrow)
	require.ErrorContains(t, err, "permission denied")
	var left int
	require.NoError(t, conn.QueryRow(ctx, "SELECT count(*) FROM tenant_acme.events").Scan(&left))
	assert.Zero(t, left, "so the platform can give the rights back")
	_, err = conn.Exec(ctx, "GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA tenant_acme TO tenant_acme")
	require.NoError(t, err)
	done, err := demo.Reset(ctx, a.Demo(), tomorrow)
	require.NoError(t, err)
	assert.True(t, done)
}

func TestOneOfSeveralReplicasResetsTheDemo(t *testing.T) {
	a := start(t)
	var all sync.WaitGroup
	var resets atomic.Int32
	for range 4 {
		all.Go(func() {
			done, err := demo.Reset(context.Background(), a.Demo(), time.Now().Add(24*time.Hour))
			assert.NoError(t, err)
			if done {
				resets.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, resets.Load())
	a.visitor(t)
}

func TestTheOngoingRunOfTheDemoGrowsAndStartsAgain(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	now := time.Now()
	used := a.count(t, "SELECT runs * 10000 + events FROM tenant_acme.usage")
	for i := range 40 {
		require.NoError(t, demo.Continue(context.Background(), a.Demo(), now.Add(time.Duration(i+1)*time.Hour)))
	}
	var found []struct {
		Status string
		Events int
	}
	require.NoError(t, json.Unmarshal([]byte(c.get("/export/runs.json?q=tickets+of+today").body), &found))
	require.Len(t, found, 2)
	assert.Equal(t, "running", found[0].Status)
	assert.Equal(t, "succeeded", found[1].Status)
	assert.Equal(t, 30, found[1].Events)
	assert.Equal(t, used, a.count(t, "SELECT runs * 10000 + events FROM tenant_acme.usage"), "what visitors may report does not shrink")
}

// What the sample data's own run does is for all visitors, so one visitor must not stop it.
func TestTheOngoingRunOfTheDemoGoesOnWhenVisitorsHaveUsedUpTheLimits(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	a.postgres.Run(t, fmt.Sprintf("UPDATE tenant_acme.usage SET runs = %d, events = %d", runs.DemoLimits.Runs, runs.DemoLimits.Events))
	require.Equal(t, http.StatusForbidden, a.agent(t, c).json("POST", "/api/v1/runs", object{"agent": "a", "title": "t"}).StatusCode)
	now := time.Now()
	for i := range 40 {
		require.NoError(t, demo.Continue(context.Background(), a.Demo(), now.Add(time.Duration(i+1)*time.Hour)))
	}
	assert.Contains(t, c.get("/runs?status=running&q=tickets+of+today").body, "Sort the tickets of today")
	assert.Contains(t, c.get("/runs?status=succeeded&q=tickets+of+today").body, "Sort the tickets of today")
}

func TestTheDemoHasOneOngoingRunAgainAfterAVisitorHasFinishedIt(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	const running = "SELECT count(*) FROM tenant_acme.runs WHERE status = 'running'"
	var id string
	require.NoError(t, a.postgres.Admin(t).QueryRow(context.Background(), "SELECT id::text FROM tenant_acme.runs WHERE status = 'running'").Scan(&id))
	require.Equal(t, http.StatusOK, agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "canceled"}).StatusCode)
	require.Zero(t, a.count(t, running))
	var all sync.WaitGroup
	for range 4 { // replicas
		all.Go(func() { assert.NoError(t, demo.Continue(context.Background(), a.Demo(), time.Now())) })
	}
	all.Wait()
	assert.Equal(t, 1, a.count(t, running))
}

// rows returns the number of rows of each table of the demo but feedback.
func (a *app) rows(t *testing.T) map[string]int {
	t.Helper()
	all := map[string]int{}
	conn := a.postgres.Admin(t)
	found, _ := conn.Query(context.Background(), "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'tenant_acme'::regnamespace AND relname <> 'feedback'")
	tables, err := pgx.CollectRows(found, pgx.RowTo[string])
	require.NoError(t, err)
	for _, table := range tables {
		var n int
		require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM tenant_acme."+table).Scan(&n))
		all[table] = n
	}
	return all
}

func TestAResetLeavesNothingOfTheVisitorsButTheirFeedback(t *testing.T) {
	a := start(t)
	const usage = "SELECT runs * 10000 + events FROM tenant_acme.usage"
	fresh, used := a.rows(t), a.count(t, usage)
	require.Positive(t, fresh["runs"])
	require.Contains(t, fresh, "sessions")
	c := a.visitor(t)
	agent := a.agent(t, c)
	agent.header.Set("Idempotency-Key", "one")
	id := agent.newRun("By a visitor")
	agent.header.Set("Idempotency-Key", "two")
	agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": []any{object{"kind": "log", "message": "x"}}})
	link := linkText.FindStringSubmatch(c.post("/members", "email", "guest@example.com", "role", "owner").body)[1]
	guest := a.client(t, "acme.hq.test")
	require.Equal(t, http.StatusSeeOther, guest.post(link, "name", "Guest", "password", "a long password").StatusCode)
	c.post("/members", "email", "open@example.com")
	c.post("/feedback", "message", "kept")
	for table, n := range a.rows(t) {
		if table != "agenthq_version" && table != "demo_reset" && table != "usage" {
			assert.Greater(t, n, fresh[table], "a visitor changes %s", table)
		}
	}
	a.postgres.Run(t, "UPDATE tenant_acme.demo_reset SET day = day - 1")
	done, err := demo.Reset(context.Background(), a.Demo(), time.Now())
	require.NoError(t, err)
	require.True(t, done)
	assert.Equal(t, fresh, a.rows(t))
	assert.Equal(t, used, a.count(t, usage))
	assert.Equal(t, 1, a.count(t, "SELECT count(*) FROM tenant_acme.feedback"))
	for _, client := range []*client{c, guest} {
		assert.Equal(t, "/sign-in", client.get("/runs").Header.Get("Location"))
	}
	assert.Equal(t, http.StatusUnauthorized, agent.get("/api/v1/runs/"+id).StatusCode)
}

func TestABrowserKeepsStaticFilesOfThisVersionOnly(t *testing.T) {
	c := start(t).client(t, "acme.hq.test")
	_, rest, _ := strings.Cut(c.get("/sign-in").body, `rel="stylesheet" href="`)
	path, _, _ := strings.Cut(rest, `"`)
	r := c.get(path)
	assert.Equal(t, http.StatusOK, r.StatusCode)
	assert.Contains(t, r.Header.Get("Content-Type"), "text/css")
	assert.Contains(t, r.Header.Get("Cache-Control"), "immutable")
	assert.Equal(t, "no-store", c.get("/static/style.css?v=another").Header.Get("Cache-Control"))
	assert.Equal(t, http.StatusNotFound, c.get("/static/none.css").StatusCode)
}
