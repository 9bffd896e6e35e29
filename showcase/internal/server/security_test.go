package server_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/demo"
)

func TestTheSessionCookieCannotBeReadOrSetByOthers(t *testing.T) {
	a := start(t)
	r := a.client(t, "acme.hq.test").signIn(demo.Email, demo.Password)
	cookies := r.Cookies()
	require.Len(t, cookies, 1)
	c := cookies[0]
	assert.Equal(t, "__Host-session", c.Name)
	assert.True(t, c.HttpOnly && c.Secure && c.SameSite == http.SameSiteLaxMode && c.Path == "/" && c.Domain == "", c.String())
	var stored string
	conn := a.postgres.Admin(t)
	require.NoError(t, conn.QueryRow(context.Background(), "SELECT string_agg(encode(token_hash, 'escape'), ',') FROM tenant_acme.sessions").Scan(&stored))
	assert.NotContains(t, stored, c.Value)
}

func TestASessionOfOneTenantIsWorthNothingAtAnother(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	session := c.signIn(demo.Email, demo.Password).Cookies()[0]
	other := a.client(t, "beta.hq.test")
	other.header.Set("Cookie", session.Name+"="+session.Value)
	assert.Equal(t, "/sign-in", other.get("/runs").Header.Get("Location"))
	agent := a.agent(t, c)
	agent.host = "beta.hq.test"
	assert.Equal(t, http.StatusUnauthorized, agent.get("/api/v1/runs/x").StatusCode)
}

func TestEachSignInHasANewToken(t *testing.T) {
	a := start(t)
	c := a.client(t, "acme.hq.test")
	c.header.Set("Cookie", "__Host-session=chosen-by-an-attacker")
	assert.NotEqual(t, "chosen-by-an-attacker", c.signIn(demo.Email, demo.Password).Cookies()[0].Value)
}

var ownScript = regexp.MustCompile(`<script src="/static/(?:back|live)\.js\?v=[0-9a-f]{12}" defer></script>`)

func TestPagesHaveAStrictPolicyAndNoInlineCode(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	inline := regexp.MustCompile(`(?i)<script(?: |>)(?:[^>]*>)?[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	pages := []string{"/runs", "/costs", "/keys", "/members", "/usage", "/account", "/feedback", "/sign-in", "/nowhere"}
	_, after, _ := strings.Cut(c.get("/runs").body, `href="/runs/`)
	for _, path := range append(pages, "/runs/"+after[:36]) {
		r := c.get(path)
		var policy []string
		for directive := range strings.SplitSeq(r.Header.Get("Content-Security-Policy"), ";") {
			policy = append(policy, strings.TrimSpace(directive))
		}
		// These four do not fall back to default-src: without one, it allows everything.
		assert.Subset(t, policy, []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"}, path)
		for _, directive := range policy {
			assert.Regexp(t, `^[a-z-]+ '(none|self)'$`, directive, path)
		}
		assert.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"), path)
		assert.Equal(t, "no-store", r.Header.Get("Cache-Control"), path)
		assert.NotEmpty(t, r.Header.Get("Strict-Transport-Security"), path)
		assert.NotRegexp(t, inline, ownScript.ReplaceAllString(r.body, ""), path)
		assert.Contains(t, r.body, `<html lang="en">`, path)
	}
	assert.Regexp(t, inline, `<script>alert(1)</script>`)
	assert.Regexp(t, inline, `<p onclick="x">`)
}

func TestWhatAgentsSendIsEscaped(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	evil := `"><script>alert(1)</script>`
	r := agent.json("POST", "/api/v1/runs", object{"agent": evil, "title": evil, "model": evil})
	id := decode(t, r)["id"].(string)
	agent.json("POST", "/api/v1/runs/"+id+"/events", object{"events": []any{object{"kind": evil, "message": evil, "data": object{evil: evil}}}})
	agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "failed", "error": evil})
	for _, path := range []string{"/runs", "/runs/" + id, "/runs/" + id + "/stream", "/costs", "/runs?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/sign-in"} {
		assert.NotContains(t, c.get(path).body, "<script>alert", path)
	}
	assert.NotContains(t, a.client(t, "acme.hq.test").signIn(evil, "x").body, "<script>alert")
}

func TestAnUnknownAccountLooksLikeAWrongPassword(t *testing.T) {
	a := start(t)
	a.owner(t)
	c := a.client(t, "beta.hq.test")
	answer := func(email string) (response, time.Duration) {
		begin := time.Now()
		r := c.signIn(email, "a wrong password")
		return r, time.Since(begin)
	}
	known, knownTook := answer("olga@example.com")
	unknown, unknownTook := answer("none@example.com")
	assert.Equal(t, http.StatusUnauthorized, known.StatusCode)
	assert.Equal(t, known.StatusCode, unknown.StatusCode)
	assert.Equal(t, strings.ReplaceAll(known.body, "olga@", "none@"), unknown.body)
	assert.Empty(t, unknown.Cookies())
	for range 6 {
		knownAgain, unknownAgain := c.signIn("olga@example.com", "a wrong password"), c.signIn("none@example.com", "a wrong password")
		assert.Equal(t, knownAgain.StatusCode, unknownAgain.StatusCode, "both are throttled alike")
	}
	// An unknown account is hashed too. Without that it would take about a tenth of the time.
	assert.Greater(t, unknownTook, knownTook/4)
}

func TestWrongPasswordsAreThrottledByAccountAndByAddress(t *testing.T) {
	a := start(t)
	a.owner(t)
	c := a.client(t, "beta.hq.test")
	from := func(address string) { c.header.Set("X-Forwarded-For", address) }
	status := 0
	for range 6 {
		from("192.0.2.1")
		status = c.signIn("olga@example.com", "a wrong password").StatusCode
	}
	assert.Equal(t, http.StatusTooManyRequests, status)
	from("192.0.2.2")
	r := c.signIn("olga@example.com", "a long password")
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode, "another address does not help")
	assert.NotEmpty(t, r.Header.Get("Retry-After"))

	for i := range 21 {
		from("203.0.113.9, 192.0.2.3") // the first address is the client's invention
		status = c.signIn(strings.Repeat("x", i+1)+"@example.com", "a wrong password").StatusCode
	}
	assert.Equal(t, http.StatusTooManyRequests, status)
	from("198.51.100.1, 192.0.2.3")
	assert.Equal(t, http.StatusTooManyRequests, c.signIn("y@example.com", "x").StatusCode, "an invented address does not help")
	from("192.0.2.4")
	assert.Equal(t, http.StatusUnauthorized, c.signIn("z@example.com", "x").StatusCode)
}

func TestASuccessfulSignInDoesNotCount(t *testing.T) {
	a := start(t)
	a.owner(t)
	for range 8 {
		assert.Equal(t, http.StatusSeeOther, a.client(t, "beta.hq.test").signIn("olga@example.com", "a long password").StatusCode)
	}
}

func TestLargeFormsAreRefused(t *testing.T) {
	c := start(t).visitor(t)
	assert.Equal(t, http.StatusRequestEntityTooLarge, c.post("/feedback", "message", strings.Repeat("x", 40_000)).StatusCode)
}

func TestRevokedAndWrongKeysGetTheSameResponse(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	agent := a.agent(t, c)
	id := keyID(t, agent)
	assert.Equal(t, http.StatusNotFound, agent.get("/api/v1/runs/x").StatusCode)
	assert.Equal(t, http.StatusSeeOther, c.post("/keys/"+id+"/revoke").StatusCode)
	revoked := decode(t, agent.get("/api/v1/runs/x"))
	for _, key := range []string{"", "Bearer ", "Basic x", "Bearer ahq_000000000000_x", "Bearer x"} {
		agent.header.Set("Authorization", key)
		r := agent.get("/api/v1/runs/x")
		assert.Equal(t, http.StatusUnauthorized, r.StatusCode, key)
		assert.Equal(t, "Bearer", r.Header.Get("WWW-Authenticate"))
		got := decode(t, r)
		revoked["request_id"] = got["request_id"]
		assert.Equal(t, revoked, got, key)
	}
	assert.Equal(t, http.StatusForbidden, c.post("/keys/"+id+"/revoke").StatusCode)
}

func TestLogsHaveNoSecretsPathsOrBodies(t *testing.T) {
	a := start(t)
	owner := a.owner(t)
	link := linkText.FindStringSubmatch(owner.post("/members", "email", "secret-guest@example.com").body)[1]
	a.client(t, "beta.hq.test").get(link)
	agent := a.agent(t, owner)
	agent.newRun("a very secret title")
	owner.get("/runs?q=secret-search")
	a.client(t, "beta.hq.test").signIn("olga@example.com", "secret-password")
	log := a.log.String()
	for _, secret := range []string{strings.TrimPrefix(link, "/invitations/"), strings.TrimPrefix(agent.header.Get("Authorization"), "Bearer "),
		"secret-guest", "very secret", "secret-search", "secret-password", "olga@", "tenant-password"} {
		assert.NotContains(t, log, secret)
	}
	assert.Contains(t, log, `"route":"GET /invitations/{token}"`)
	assert.Contains(t, log, `"tenant":"beta"`)
	assert.Regexp(t, `"request_id":"[A-Z0-9]{26}"`, log)
}

func TestARequestEndsWhenTheDatabaseDoesNotAnswer(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	held, err := a.postgres.Admin(t).Begin(context.Background())
	require.NoError(t, err)
	defer func() { _ = held.Rollback(context.Background()) }()
	_, err = held.Exec(context.Background(), "LOCK TABLE tenant_acme.runs")
	require.NoError(t, err)
	begin := time.Now()
	assert.Equal(t, http.StatusServiceUnavailable, c.get("/runs").StatusCode)
	assert.Less(t, time.Since(begin), 15*time.Second)
}
