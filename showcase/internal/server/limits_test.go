package server_test

import (
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/accounts"
	"github.com/genericcorp/platform/showcase/internal/runs"
)

func TestThePlanLimitsWhatAgentsReport(t *testing.T) {
	a := start(t)
	visitor, owner := a.visitor(t), a.owner(t)
	for schema, c := range map[string]struct {
		member *client
		limits runs.Limits
	}{"tenant_acme": {visitor, runs.DemoLimits}, "tenant_beta": {owner, runs.LimitsOf("growth")}} {
		agent := a.agent(t, c.member)
		id := agent.newRun("One")
		batch := object{"events": []any{object{"kind": "log", "message": "1"}, object{"kind": "log", "message": "2"}}}
		set := func(runs, events int64) {
			a.postgres.Run(t, fmt.Sprintf("UPDATE %s.usage SET runs = %d, events = %d", schema, runs, events))
		}
		set(c.limits.Runs-1, c.limits.Events-2)
		agent.newRun("The last one")
		require.Equal(t, http.StatusCreated, agent.json("POST", "/api/v1/runs/"+id+"/events", batch).StatusCode)
		for _, r := range []response{agent.json("POST", "/api/v1/runs", object{"agent": "a", "title": "t"}), agent.json("POST", "/api/v1/runs/"+id+"/events", batch)} {
			assert.Equal(t, http.StatusForbidden, r.StatusCode, schema)
			assert.Equal(t, "urn:agenthq:problem:quota", decode(t, r)["type"])
		}
		assert.Equal(t, http.StatusOK, agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "succeeded"}).StatusCode, "a run can be finished")
		assert.Equal(t, int(c.limits.Runs), a.count(t, "SELECT runs FROM "+schema+".usage"), "a refused run is not counted")
		assert.Equal(t, int(c.limits.Events), a.count(t, "SELECT events FROM "+schema+".usage"))
		assert.Contains(t, c.member.get("/usage").body, `value="100"`)
	}
	text, err := os.ReadFile("../../../docs/demo.md")
	require.NoError(t, err)
	assert.Contains(t, string(text), fmt.Sprintf("| %d runs and 1,%d events until the next reset, %d seats |", runs.DemoLimits.Runs, runs.DemoLimits.Events-1000, runs.DemoLimits.Seats))
}

func TestSeatsKeysAndFeedbackAreLimited(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	for n := a.count(t, "SELECT count(*) FROM tenant_acme.members"); n < int(runs.DemoLimits.Seats); n++ {
		require.Equal(t, http.StatusCreated, c.post("/members", "email", fmt.Sprintf("n%d@example.com", n)).StatusCode)
	}
	r := c.post("/members", "email", "one-more@example.com")
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
	assert.Contains(t, r.body, "All seats of the plan are taken.")
	assert.Contains(t, c.get("/usage").body, `<meter min="0" max="100" high="80" value="100" aria-label="Seats">`)

	for n := a.count(t, "SELECT count(*) FROM tenant_acme.api_keys"); n < accounts.MaxKeys; n++ {
		require.Equal(t, http.StatusCreated, c.post("/keys", "name", fmt.Sprint(n)).StatusCode)
	}
	r = c.post("/keys", "name", "one more")
	assert.Equal(t, http.StatusForbidden, r.StatusCode)
	assert.Contains(t, r.body, "revoke one first")

	a.postgres.Run(t, "INSERT INTO tenant_acme.feedback (email, message) SELECT 'a@example.com', 'x' FROM generate_series(1, 999)")
	assert.Equal(t, http.StatusSeeOther, c.post("/feedback", "message", "the last one").StatusCode)
	assert.Equal(t, http.StatusForbidden, c.post("/feedback", "message", "one more").StatusCode)
}

// An attacker with an account at one tenant must not lock people out of another one.
func TestTheThrottleAndTheStreamsOfOneTenantAreNotThoseOfAnother(t *testing.T) {
	a := start(t)
	owner := a.owner(t)
	visitor, attacker := a.visitor(t), a.client(t, "acme.hq.test")
	attacker.header.Set("X-Forwarded-For", "192.0.2.1")
	for range 6 {
		attacker.signIn("olga@example.com", "a wrong password")
	}
	assert.Equal(t, http.StatusTooManyRequests, attacker.signIn("olga@example.com", "a wrong password").StatusCode)
	victim := a.client(t, "beta.hq.test")
	victim.header.Set("X-Forwarded-For", "192.0.2.2")
	assert.Equal(t, http.StatusSeeOther, victim.signIn("olga@example.com", "a long password").StatusCode)

	run, other := a.agent(t, visitor).newRun("Many watch"), a.agent(t, owner).newRun("One watches")
	for range 100 {
		reading(t, visitor, "/runs/"+run+"/stream")
	}
	full := visitor.get("/runs/" + run + "/stream")
	assert.Equal(t, http.StatusServiceUnavailable, full.StatusCode)
	assert.Contains(t, full.body, "too many live streams")
	reading(t, owner, "/runs/"+other+"/stream")
	visitor.header.Set("X-Forwarded-For", "192.0.2.7")
	lines := reading(t, visitor, "/runs/"+run+"/stream")
	require.True(t, lines.Scan(), "another visitor still gets one")
	assert.Equal(t, "event: summary", lines.Text())
}

// To accept an invitation hashes a password, which takes memory and CPU.
func TestAnAddressAcceptsInvitationsOnlyAsOftenAsItSignsIn(t *testing.T) {
	a := start(t)
	c := a.client(t, "beta.hq.test")
	c.header.Set("X-Forwarded-For", "192.0.2.1")
	var r response
	for range 21 {
		r = c.post("/invitations/guess", "name", "Eve", "password", "short")
	}
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.Equal(t, "60", r.Header.Get("Retry-After"))
	c.header.Set("X-Forwarded-For", "192.0.2.2")
	assert.Equal(t, http.StatusNotFound, c.post("/invitations/guess", "name", "Eve", "password", "short").StatusCode)
}
