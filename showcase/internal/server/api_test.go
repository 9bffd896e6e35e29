package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type object = map[string]any

func decode(t *testing.T, r response) object {
	t.Helper()
	var o object
	require.NoError(t, json.Unmarshal([]byte(r.body), &o), r.body)
	return o
}

func TestAnAgentReportsARun(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	id := agent.newRun("Report")
	batch := object{"events": []any{object{"kind": "model", "message": "Think", "cost_microusd": 1500, "tokens": 20, "data": object{"a": 1}}, object{"kind": "log", "message": "Done"}}}
	r := agent.json("POST", "/api/v1/runs/"+id+"/events", batch)
	require.Equal(t, http.StatusCreated, r.StatusCode, r.body)
	assert.InDelta(t, 1500, decode(t, r)["cost_microusd"], 0)
	assert.InDelta(t, 2, decode(t, r)["events"], 0)
	r = agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "succeeded"})
	require.Equal(t, http.StatusOK, r.StatusCode, r.body)
	r = agent.get("/api/v1/runs/" + id)
	assert.Equal(t, "succeeded", decode(t, r)["status"])
	assert.NotEmpty(t, decode(t, r)["finished_at"])
	assert.Equal(t, http.StatusConflict, agent.json("POST", "/api/v1/runs/"+id+"/events", batch).StatusCode)
	assert.Equal(t, http.StatusConflict, agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "failed"}).StatusCode)
}

func TestAFaultyRequestGetsAProblemWithEveryFault(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	id := agent.newRun("Report")
	events := "/api/v1/runs/" + id + "/events"
	long := strings.Repeat("x", 5000)
	for _, c := range []struct {
		reason, method, path, kind, body string
		status                           int
		faults                           []string
	}{
		{"missing fields", "POST", "/api/v1/runs", "application/json", `{}`, 422, []string{"/agent", "/title"}},
		{"long and old", "POST", "/api/v1/runs", "application/json", `{"agent":"a","title":"` + long + `","started_at":"1999-01-01T00:00:00Z"}`, 422, []string{"/title", "/started_at"}},
		{"no events", "POST", events, "application/json", `{"events":[]}`, 422, []string{"/events"}},
		{"faulty event", "POST", events, "application/json", `{"events":[{"kind":"log","message":"ok"},{"kind":"","message":"\u0000","cost_microusd":-1,"tokens":-1,"data":[1]}]}`, 422,
			[]string{"/events/1/kind", "/events/1/message", "/events/1/cost_microusd", "/events/1/tokens", "/events/1/data"}},
		{"data with a character that cannot be stored", "POST", events, "application/json", `{"events":[{"kind":"log","message":"ok","data":{"a":"\u0000"}}]}`, 422, []string{"/events/0/data"}},
		{"number that cannot be stored", "POST", events, "application/json", `{"events":[{"kind":"log","message":"ok","data":{"a":1e200000}}]}`, 422, []string{"/events/0/data"}},
		{"wrong type", "POST", "/api/v1/runs", "application/json", `{"agent":7,"title":"x"}`, 422, []string{"/agent"}},
		{"wrong status", "PATCH", "/api/v1/runs/" + id, "application/json", `{"status":"running","error":"x"}`, 422, []string{"/status", "/error"}},
		{"unknown key", "POST", "/api/v1/runs", "application/json", `{"agnet":"a"}`, 400, nil},
		{"no JSON", "POST", "/api/v1/runs", "application/json", `{`, 400, nil},
		{"two objects", "POST", "/api/v1/runs", "application/json", `{} {}`, 400, nil},
		{"no UTF-8", "POST", "/api/v1/runs", "application/json", "{\"agent\":\"\xff\"}", 400, nil},
		{"other media type", "POST", "/api/v1/runs", "text/plain", `{}`, 415, nil},
		{"too large", "POST", "/api/v1/runs", "application/json", `{"agent":"` + strings.Repeat("x", 300_000) + `"}`, 413, nil},
		{"unknown run", "PATCH", "/api/v1/runs/00000000-0000-0000-0000-000000000000", "application/json", `{"status":"failed"}`, 404, nil},
		{"unknown path", "GET", "/api/v2/runs", "", "", 404, nil},
	} {
		r := agent.send(c.method, c.path, c.kind, c.body)
		assert.Equal(t, c.status, r.StatusCode, "%s: %s", c.reason, r.body)
		assert.Equal(t, "application/problem+json", r.Header.Get("Content-Type"), c.reason)
		p := decode(t, r)
		assert.NotEmpty(t, p["title"], c.reason)
		assert.Equal(t, r.Header.Get("X-Request-Id"), p["request_id"], c.reason)
		var pointers []string
		if list, ok := p["errors"].([]any); ok {
			for _, f := range list {
				pointers = append(pointers, f.(object)["pointer"].(string))
			}
		}
		assert.Equal(t, c.faults, pointers, c.reason)
	}
	assert.InDelta(t, 0, decode(t, agent.get("/api/v1/runs/"+id))["events"], 0, "no faulty batch was stored in part")
}

func TestAnIdempotencyKeyMakesRetriesSafe(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	agent.header.Set("Idempotency-Key", "one")
	var all sync.WaitGroup
	ids := make([]string, 4)
	for i := range ids {
		all.Go(func() { ids[i] = agent.newRun("Once") })
	}
	all.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	r := agent.json("POST", "/api/v1/runs", object{"agent": "writer", "title": "Once"})
	assert.Equal(t, "true", r.Header.Get("Idempotency-Replayed"))
	assert.Equal(t, http.StatusCreated, r.StatusCode)
	r = agent.json("POST", "/api/v1/runs", object{"agent": "writer", "title": "Another"})
	assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode)
	agent.header.Set("Idempotency-Key", strings.Repeat("x", 201))
	assert.Equal(t, http.StatusBadRequest, agent.json("POST", "/api/v1/runs", object{}).StatusCode)
}

func TestAnIdempotencyKeyIsForOneRequestOfOneAPIKeyOfOneDay(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent, other := a.agent(t, c), a.agent(t, c)
	first, second := agent.newRun("First"), agent.newRun("Second")
	agent.header.Set("Idempotency-Key", "one")
	other.header.Set("Idempotency-Key", "one")
	batch := object{"events": []any{object{"kind": "log", "message": "x"}}}
	require.Equal(t, http.StatusCreated, agent.json("POST", "/api/v1/runs/"+first+"/events", batch).StatusCode)
	assert.Equal(t, http.StatusUnprocessableEntity, agent.json("POST", "/api/v1/runs/"+second+"/events", batch).StatusCode, "another run")
	r := other.json("POST", "/api/v1/runs/"+first+"/events", batch)
	assert.Equal(t, http.StatusCreated, r.StatusCode)
	assert.Empty(t, r.Header.Get("Idempotency-Replayed"), "another API key")
	assert.InDelta(t, 2, decode(t, r)["events"], 0)
	a.postgres.Run(t, "UPDATE tenant_acme.idempotency_keys SET created_at = created_at - interval '23 hours 59 minutes'")
	assert.Equal(t, "true", agent.json("POST", "/api/v1/runs/"+first+"/events", batch).Header.Get("Idempotency-Replayed"))
	a.postgres.Run(t, "UPDATE tenant_acme.idempotency_keys SET created_at = created_at - interval '2 minutes'")
	r = agent.json("POST", "/api/v1/runs/"+first+"/events", batch)
	assert.Empty(t, r.Header.Get("Idempotency-Replayed"), "the next day")
	assert.InDelta(t, 3, decode(t, r)["events"], 0)
	require.Equal(t, http.StatusUnauthorized, a.client(t, "acme.hq.test").json("POST", "/api/v1/runs/"+first+"/events", batch).StatusCode)
}

func TestAKeyHasARateLimitThatItsHeadersTell(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	r := agent.get("/api/v1/runs/x")
	assert.Equal(t, `"key";q=50;w=5`, r.Header.Get("RateLimit-Policy"))
	assert.Equal(t, `"key";r=49;t=1`, r.Header.Get("RateLimit"))
	for range 400 {
		if r = agent.get("/api/v1/runs/x"); r.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	require.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.Equal(t, "1", r.Header.Get("Retry-After"))
	assert.Contains(t, r.Header.Get("RateLimit"), "r=0")
	assert.Equal(t, http.StatusNotFound, a.agent(t, a.visitor(t)).get("/api/v1/runs/x").StatusCode, "another key has its own limit")
	assert.Equal(t, `"key";q=250;w=5`, a.agent(t, a.owner(t)).get("/api/v1/runs/x").Header.Get("RateLimit-Policy"), "the plan growth")
}
