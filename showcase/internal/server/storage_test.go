package server_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// suspendWrites does to a tenant what the platform does above its storage (docs/tenancy.md).
func (a *app) suspendWrites(t *testing.T, tenant string) {
	t.Helper()
	a.postgres.Run(t, "REVOKE INSERT, UPDATE ON ALL TABLES IN SCHEMA tenant_"+tenant+" FROM tenant_"+tenant)
}

func (a *app) resumeWrites(t *testing.T, tenant string) {
	t.Helper()
	a.postgres.Run(t, "GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA tenant_"+tenant+" TO tenant_"+tenant)
}

func (a *app) count(t *testing.T, query string) int {
	t.Helper()
	var n int
	require.NoError(t, a.postgres.Admin(t).QueryRow(context.Background(), query).Scan(&n))
	return n
}

const aboveStorage = "above the storage of its plan"

func TestAMemberOfATenantAboveItsStorageSignsInAndSeesWhatToDo(t *testing.T) {
	a := start(t)
	owner := a.owner(t)
	assert.NotContains(t, owner.get("/usage").body, aboveStorage)
	a.agent(t, owner).newRun("Kept")
	a.suspendWrites(t, "beta")

	c := a.client(t, "beta.hq.test")
	assert.Equal(t, http.StatusUnauthorized, c.signIn("olga@example.com", "a wrong password").StatusCode)
	require.Equal(t, http.StatusSeeOther, c.signIn("olga@example.com", "a long password").StatusCode)
	for _, path := range []string{"/runs", "/costs", "/keys", "/members", "/usage", "/feedback"} {
		r := c.get(path)
		assert.Equal(t, http.StatusOK, r.StatusCode, path)
		assert.Contains(t, r.body, aboveStorage, path)
	}
	assert.Contains(t, c.get("/usage").body, "a larger plan")
	assert.Contains(t, c.get("/export/runs.csv").body, "Kept")

	a.resumeWrites(t, "beta")
	r := c.get("/usage")
	assert.Equal(t, http.StatusOK, r.StatusCode, "the session stays")
	assert.NotContains(t, r.body, aboveStorage)
}

func TestWritesOfATenantAboveItsStorageAreRefusedWithTheReason(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	id := agent.newRun("Kept")
	a.suspendWrites(t, "acme")
	batch := object{"events": []any{object{"kind": "log", "message": "x"}}}
	for _, r := range []response{
		agent.json("POST", "/api/v1/runs", object{"agent": "a", "title": "t"}),
		agent.json("POST", "/api/v1/runs/"+id+"/events", batch),
		agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "failed"}),
	} {
		assert.Equal(t, http.StatusForbidden, r.StatusCode)
		problem := decode(t, r)
		assert.Equal(t, "urn:agenthq:problem:storage", problem["type"])
		assert.Contains(t, problem["detail"], "larger plan")
	}
	for path, fields := range map[string][]string{
		"/feedback": {"message", "x"}, "/keys": {"name", "x"}, "/members": {"email", "x@example.com"},
	} {
		page := c.post(path, fields...)
		assert.Equal(t, http.StatusForbidden, page.StatusCode, path)
		assert.Contains(t, page.body, aboveStorage, path)
	}
}

// The last use of a session and of a key is written every few minutes. Above the storage it cannot be.
func TestSessionsAndKeysStayValidAboveTheStorage(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	id := agent.newRun("Kept")
	a.suspendWrites(t, "acme")
	a.postgres.Run(t, "UPDATE tenant_acme.sessions SET seen_at = now() - interval '10 minutes'", "UPDATE tenant_acme.api_keys SET used_at = now() - interval '10 minutes'")
	assert.Equal(t, http.StatusOK, c.get("/runs").StatusCode)
	assert.Equal(t, http.StatusOK, agent.get("/api/v1/runs/"+id).StatusCode)
}

func TestAccessCanBeTakenAwayAboveTheStorage(t *testing.T) {
	a := start(t)
	owner := a.owner(t)
	link := linkText.FindStringSubmatch(owner.post("/members", "email", "max@example.com").body)[1]
	guest := a.client(t, "beta.hq.test")
	require.Equal(t, http.StatusSeeOther, guest.post(link, "name", "Max", "password", "another long one").StatusCode)
	agent := a.agent(t, owner)
	a.suspendWrites(t, "beta")

	key := keyID(t, agent)
	assert.Equal(t, http.StatusSeeOther, owner.post("/keys/"+key+"/revoke").StatusCode)
	assert.Equal(t, http.StatusUnauthorized, agent.get("/api/v1/runs/x").StatusCode)
	assert.Equal(t, http.StatusConflict, owner.post("/members/1/remove").StatusCode, "the last owner stays")
	assert.Equal(t, http.StatusSeeOther, owner.post("/members/2/remove").StatusCode)
	assert.Equal(t, "/sign-in", guest.get("/runs").Header.Get("Location"))

	c := a.client(t, "beta.hq.test")
	session := c.signIn("olga@example.com", "a long password").Cookies()[0]
	assert.Equal(t, http.StatusOK, c.get("/runs").StatusCode)
	c.post("/sign-out")
	c.header.Set("Cookie", session.Name+"="+session.Value)
	assert.Equal(t, "/sign-in", c.get("/runs").Header.Get("Location"), "the session has ended on the server too")
}

func TestSessionsAboveTheStorageAreFewAndForTheTenantsLoginOnly(t *testing.T) {
	a := start(t)
	a.owner(t)
	a.suspendWrites(t, "beta")
	last := a.client(t, "beta.hq.test")
	for range 25 {
		require.Equal(t, http.StatusSeeOther, last.signIn("olga@example.com", "a long password").StatusCode)
	}
	assert.Equal(t, 20, a.count(t, "SELECT count(*) FROM tenant_beta.sessions"))
	assert.Equal(t, http.StatusOK, last.get("/runs").StatusCode, "the newest ones stay")
	const allowed = `SELECT count(*) FROM pg_proc, aclexplode(proacl) WHERE pronamespace = 'tenant_beta'::regnamespace AND grantee <> proowner
		AND pg_get_userbyid(grantee) `
	assert.Equal(t, 1, a.count(t, allowed+"= 'tenant_beta'"))
	assert.Zero(t, a.count(t, allowed+"<> 'tenant_beta'"), "nobody else may create a session")
}

func TestInviteExplainsTheLimitsOfAPlanWithoutAnErrorOfPostgreSQL(t *testing.T) {
	a := start(t)
	a.owner(t)
	invite := func(email string) string {
		err := a.PrintInvitation(context.Background(), io.Discard, email, "beta")
		require.Error(t, err)
		return err.Error()
	}
	assert.Contains(t, invite("olga@example.com"), "invite another address")
	a.postgres.Run(t, "INSERT INTO tenant_beta.members (email, name, role, password) SELECT n || '@example.com', n, 'member', '' FROM generate_series(1, 24) n")
	assert.Equal(t, "all seats of the plan growth of beta are taken; remove a member or withdraw an invitation on the page Members, or give the tenant a larger plan", invite("x@example.com"))
	a.postgres.Run(t, "DELETE FROM tenant_beta.members WHERE email = '1@example.com'")
	a.suspendWrites(t, "beta")
	assert.Equal(t, "beta is above the storage of its plan growth, and stores nothing new; delete old runs or give the tenant a larger plan", invite("x@example.com"))
}
