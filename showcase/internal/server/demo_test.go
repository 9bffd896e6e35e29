package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
