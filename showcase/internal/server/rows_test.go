package server_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/accounts"
)

// Above its storage a tenant cannot write, and the nightly deletion does not make the files smaller. So a
// visitor of the demo must not be able to store rows without a limit.
func TestRevokedKeysAndSessionsAreNotKeptWithoutALimit(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	a.postgres.Run(t, "INSERT INTO tenant_acme.api_keys (id, name, secret_hash, created_by, revoked_at) SELECT n, 'old', '', '', now() - interval '1 day' FROM generate_series(1, 1000) n",
		"INSERT INTO tenant_acme.sessions (token_hash, member_id, expires_at, created_at) SELECT sha256((n || email)::bytea), id, now() + interval '1 day', now() - interval '1 hour' FROM generate_series(1, 7000) n, tenant_acme.members")
	last := keyID(t, a.agent(t, c))
	require.Equal(t, http.StatusSeeOther, c.post("/keys/"+last+"/revoke").StatusCode)
	a.agent(t, c)
	assert.Equal(t, accounts.MaxRevoked, a.count(t, "SELECT count(*) FROM tenant_acme.api_keys WHERE revoked_at IS NOT NULL"))
	assert.Equal(t, 1, a.count(t, "SELECT count(*) FROM tenant_acme.api_keys WHERE id = '"+last+"'"), "the newest ones are kept")
	a.visitor(t)
	assert.Equal(t, 5000, a.count(t, "SELECT count(*) FROM tenant_acme.sessions WHERE member_id = 1"))
	assert.Equal(t, http.StatusOK, c.get("/runs").StatusCode, "the newest ones are kept")
}

func TestARequestThatChangesNothingStoresNoIdempotencyKey(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	id := agent.newRun("Finish me")
	for i := range 5 {
		agent.header.Set("Idempotency-Key", strconv.Itoa(i))
		r := agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "failed"})
		require.Equal(t, http.StatusOK, r.StatusCode, r.body)
		assert.Equal(t, "failed", decode(t, r)["status"])
	}
	assert.Equal(t, 1, a.count(t, "SELECT count(*) FROM tenant_acme.idempotency_keys"))
	assert.Contains(t, a.client(t, pod).get("/metrics").body, `app_events_total{event="run_failed",tenant="acme"} 1`)
	agent.header.Set("Idempotency-Key", "0")
	assert.Equal(t, "true", agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "failed"}).Header.Get("Idempotency-Replayed"))
}

// A client that does not read keeps its page in memory.
func TestSlowReadersOfOneTenantGetAFewPagesAtOnce(t *testing.T) {
	a := start(t)
	c, owner := a.visitor(t), a.owner(t)
	agent := a.agent(t, c)
	id := agent.newRun("Large")
	event := object{"kind": "log", "message": "x", "data": object{"a": strings.Repeat(`"`, 8000)}}
	for range 2 {
		r := agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": []any{event, event, event, event, event, event, event, event, event, event}})
		require.Equal(t, http.StatusCreated, r.StatusCode, r.body)
	}
	page := httptest.NewRequest(http.MethodGet, "https://"+c.host+"/runs/"+id, nil)
	for _, cookie := range c.http.Jar.Cookies(page.URL) {
		page.AddCookie(cookie)
	}
	statuses, read := make(chan int), make(chan struct{})
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() { a.ServeHTTP(slowReader{httptest.NewRecorder(), statuses, read}, page.Clone(t.Context())) })
	}
	counts := map[int]int{}
	for range 40 {
		counts[<-statuses]++
	}
	assert.Equal(t, http.StatusOK, owner.get("/runs").StatusCode, "another tenant")
	close(read)
	all.Wait()
	size := len(c.get("/runs/" + id).body)
	assert.Equal(t, 8<<20/size, counts[http.StatusOK], "%d bytes: %v", size, counts)
	assert.Equal(t, 40-counts[http.StatusOK], counts[http.StatusServiceUnavailable])
}

// slowReader tells the status of a response, and then does not read it until read is closed.
type slowReader struct {
	*httptest.ResponseRecorder
	statuses chan<- int
	read     <-chan struct{}
}

func (w slowReader) Write(p []byte) (int, error) {
	w.statuses <- w.Code
	<-w.read
	return len(p), nil
}
