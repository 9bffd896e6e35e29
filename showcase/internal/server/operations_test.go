package server_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/server"
)

// pod is the host of the kubelet's and the metrics store's requests.
const pod = "10.1.2.3:9898"

func TestTheHostDecidesWhatIsServed(t *testing.T) {
	a := start(t)
	for host, want := range map[string]int{"acme.hq.test": 200, "beta.hq.test": 200, "gamma.hq.test": 404, "evil.example": 404, pod: 404} {
		assert.Equal(t, want, a.client(t, host).get("/sign-in").StatusCode, host)
	}
	landing := a.client(t, "hq.test").get("/")
	assert.Contains(t, landing.body, `href="https://acme.hq.test"`)
	assert.NotContains(t, landing.body, "beta", "the page names no customer")
	assert.Equal(t, http.StatusNotFound, a.client(t, "hq.test").get("/runs").StatusCode)
	assert.Contains(t, a.client(t, "HQ.test.").get("/").body, `href="https://acme.hq.test"`)
	for host, want := range map[string]int{pod: 200, "[fd00::1]:9898": 200, "hq.test": 404, "acme.hq.test": 404,
		// Traefik takes hq.test. for hq.test, and knows a new tenant before the files are here.
		"hq.test.": 404, "hq.test.:443": 404, "acme.hq.test.": 404, "new.hq.test": 404} {
		assert.Equal(t, want, a.client(t, host).get("/metrics").StatusCode, host)
		assert.Equal(t, want, a.client(t, host).get("/readyz").StatusCode, host)
	}
	proxied := a.client(t, pod)
	proxied.header["X-Forwarded-For"] = []string{"", "192.0.2.1"} // HAProxy leaves the client's own header, and adds one
	assert.Equal(t, http.StatusNotFound, proxied.get("/metrics").StatusCode)
}

func TestTenantsChangeWithoutARestart(t *testing.T) {
	a := start(t)
	a.postgres.Add(t, "gamma", "starter")
	a.postgres.Suspend(t, "beta")
	server.Reload(a.Server, context.Background())
	c := a.client(t, "gamma.hq.test")
	r := c.get("/sign-in")
	assert.Equal(t, http.StatusServiceUnavailable, r.StatusCode, "gamma is not migrated yet")
	assert.Equal(t, "10", r.Header.Get("Retry-After"))
	a.Migrate(context.Background())
	assert.Equal(t, http.StatusOK, c.get("/sign-in").StatusCode)
	assert.Equal(t, http.StatusServiceUnavailable, a.client(t, "beta.hq.test").get("/sign-in").StatusCode)
}

func TestATenantThatOwnsItsSchemaIsServed(t *testing.T) {
	a := start(t)
	a.postgres.Add(t, "own-er", "starter")
	a.postgres.OwnSchema(t, "own-er")
	server.Reload(a.Server, context.Background())
	a.Migrate(context.Background())
	c := a.joined(t, "own-er")
	a.agent(t, c).newRun("Mine")
	assert.Contains(t, c.get("/runs").body, "Mine")
}

func TestAFailedMigrationShowsInReadyzAndMetricsAndTheOthersAreServed(t *testing.T) {
	a := start(t)
	a.postgres.Add(t, "gamma", "starter")
	_, err := a.postgres.Admin(t).Exec(context.Background(), "CREATE TABLE tenant_gamma.runs (id int)")
	require.NoError(t, err)
	server.Reload(a.Server, context.Background())
	a.Migrate(context.Background())
	c := a.client(t, pod)
	ready := c.get("/readyz")
	assert.Equal(t, http.StatusOK, ready.StatusCode)
	body := decode(t, ready)
	assert.InDelta(t, 2, body["migrated"], 0)
	failed := body["failed"].([]any)
	require.Len(t, failed, 1)
	assert.Equal(t, "gamma", failed[0].(object)["tenant"])
	assert.Contains(t, failed[0].(object)["fault"], `relation "runs" already exists`)
	metrics := c.get("/metrics").body
	assert.Contains(t, metrics, `app_migration_ok{tenant="gamma"} 0`)
	assert.Contains(t, metrics, `app_migration_ok{tenant="acme"} 1`)
	assert.Equal(t, http.StatusServiceUnavailable, a.client(t, "gamma.hq.test").get("/sign-in").StatusCode)
	assert.Equal(t, http.StatusOK, a.client(t, "acme.hq.test").get("/sign-in").StatusCode)
	assert.Contains(t, a.log.String(), "migration failed")
}

func TestMetricsCountWhatMembersAndAgentsDo(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	id := agent.newRun("Count")
	agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": []any{object{"kind": "log", "message": "1"}, object{"kind": "log", "message": "2"}}})
	agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "failed"})
	c.get("/export/runs.csv")
	a.client(t, "acme.hq.test").signIn("x@example.com", "wrong")
	metrics := a.client(t, pod).get("/metrics").body
	for _, line := range []string{
		`app_logins_total{tenant="acme"} 1`, `app_login_failures_total{tenant="acme"} 1`, `app_events_total{event="run_started",tenant="acme"} 1`,
		`app_events_total{event="events_reported",tenant="acme"} 2`, `app_events_total{event="run_failed",tenant="acme"} 1`,
		`app_events_total{event="exported",tenant="acme"} 1`, `app_events_total{event="demo_reset",tenant="acme"} 1`,
		`http_requests_total{code="201",method="POST",route="POST /api/v1/runs"} 1`, `http_request_duration_seconds_count{method="POST",route="POST /api/v1/runs"} 1`,
		`app_db_connections{state="idle",tenant="acme"}`, `app_migration_version{tenant="acme"} 4`, `app_build_info{version="1.2.3"} 1`, `process_resident_memory_bytes`,
	} {
		assert.Contains(t, metrics, line)
	}
}

func TestWithoutADatabaseThePodIsAliveAndNotReady(t *testing.T) {
	a := start(t)
	c := a.client(t, pod)
	assert.Equal(t, http.StatusOK, c.get("/readyz").StatusCode)
	conn := a.postgres.Admin(t)
	for _, statement := range []string{"ALTER ROLE app NOLOGIN", "ALTER ROLE tenant_acme NOLOGIN", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('app', 'tenant_acme')"} {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err)
	}
	ready := c.get("/readyz")
	assert.Equal(t, http.StatusServiceUnavailable, ready.StatusCode)
	assert.Equal(t, "the database is not reachable", decode(t, ready)["reason"])
	assert.Equal(t, http.StatusOK, c.get("/healthz").StatusCode)
	busy := a.client(t, "acme.hq.test").signIn("x@example.com", "wrong")
	assert.Equal(t, http.StatusServiceUnavailable, busy.StatusCode)
	assert.NotContains(t, busy.body, "tenant_acme", "the cause is in the log only")
}

func TestANewPasswordOfATenantNeedsNoRestart(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	conn := a.postgres.Admin(t)
	for _, statement := range []string{"ALTER ROLE tenant_acme PASSWORD 'changed'", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant_acme'"} {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err)
	}
	file := filepath.Join(a.postgres.Folder, "acme.url")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(replaceOnce(t, string(text), "tenant-password", "changed")), 0o600))
	server.Reload(a.Server, context.Background())
	assert.Equal(t, http.StatusOK, c.get("/runs").StatusCode)
}
