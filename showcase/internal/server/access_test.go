package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/api"
	"github.com/genericcorp/platform/showcase/internal/web"
)

// public are the routes that need no session.
var public = []string{
	"GET /{$}", "GET /sign-in", "POST /sign-in", "POST /sign-out", "GET /invitations/{token}", "POST /invitations/{token}",
	"GET /static/{file}", "GET /robots.txt", "/",
}

// routes returns the routes of the pages, and those of the API.
func routes(t *testing.T) (pages, calls []string) {
	t.Helper()
	w, err := web.New(nil, &url.URL{}, time.Now)
	require.NoError(t, err)
	w.Register(func(pattern string, _ http.HandlerFunc) { pages = append(pages, pattern) })
	api.New(nil).Register(func(pattern string, _ http.HandlerFunc) { calls = append(calls, pattern) })
	require.Subset(t, pages, public)
	return pages, calls
}

// address returns the method of a route, and an address that it serves.
func address(pattern, run string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	if strings.HasPrefix(path, "/runs/") {
		path = strings.ReplaceAll(path, "{id}", run)
	}
	return method, strings.NewReplacer("{id}", "1", "{token}", "x", "{file}", "runs.csv").Replace(path)
}

func TestEveryPageButThoseOfAListNeedsASessionOfItsTenant(t *testing.T) {
	a := start(t)
	run := a.agent(t, a.visitor(t)).newRun("Private")
	stranger, foreign, removed := a.client(t, "acme.hq.test"), a.client(t, "acme.hq.test"), a.client(t, "acme.hq.test")
	a.owner(t)
	session := a.client(t, "beta.hq.test").signIn("olga@example.com", "a long password").Cookies()[0]
	foreign.header.Set("Cookie", session.Name+"="+session.Value)
	removed.header.Set("Cookie", session.Name+"=")
	pages, _ := routes(t)
	checked := 0
	for _, pattern := range pages {
		if slices.Contains(public, pattern) {
			continue
		}
		checked++
		method, path := address(pattern, run)
		for name, c := range map[string]*client{"no session": stranger, "a session of another tenant": foreign, "an empty cookie": removed} {
			r := c.send(method, path, "application/x-www-form-urlencoded", "")
			assert.NotContains(t, r.body, "Private", "%s, %s", pattern, name)
			if strings.HasSuffix(path, "/stream") {
				assert.Equal(t, http.StatusUnauthorized, r.StatusCode, "%s, %s", pattern, name)
				continue
			}
			assert.Equal(t, http.StatusSeeOther, r.StatusCode, "%s, %s", pattern, name)
			assert.Equal(t, "/sign-in", r.Header.Get("Location"), "%s, %s", pattern, name)
		}
	}
	assert.Greater(t, checked, 15)
}

func TestEveryRequestThatChangesSomethingIsRefusedFromOtherSites(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	key := a.agent(t, c).header.Get("Authorization")
	run := a.agent(t, c).newRun("Mine")
	pages, calls := routes(t)
	checked := 0
	for _, pattern := range slices.Concat(pages, calls) {
		method, path := address(pattern, run)
		path = strings.ReplaceAll(path, "/api/v1/runs/1", "/api/v1/runs/"+run)
		if method == http.MethodGet || !strings.Contains(pattern, " ") {
			continue
		}
		checked++
		for _, header := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"https://beta.hq.test"}}, {"Origin": {"null"}},
		} {
			c.header = header
			c.header.Set("Authorization", key)
			r := c.send(method, path, "application/x-www-form-urlencoded", "")
			assert.Equal(t, http.StatusForbidden, r.StatusCode, "%s %v", pattern, header)
			assert.Contains(t, strings.ToLower(r.body), "the request comes from another site", "%s %v", pattern, header)
		}
	}
	assert.Greater(t, checked, 12)
	c.header = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://acme.hq.test"}}
	assert.Equal(t, http.StatusCreated, c.post("/keys", "name", "mine").StatusCode)
}

func TestAMemberMayDoEverythingButWhatIsForOwners(t *testing.T) {
	a := start(t)
	owner := a.owner(t)
	link := linkText.FindStringSubmatch(owner.post("/members", "email", "max@example.com").body)[1]
	c := a.client(t, "beta.hq.test")
	require.Equal(t, http.StatusSeeOther, c.post(link, "name", "Max", "password", "another long one").StatusCode)
	assert.Contains(t, c.get("/members").body, `max@example.com</td><td data-label="Role">member`, "an invitation without a role is for a member")
	assert.NotContains(t, c.get("/members").body, "/remove")
	owner.post("/members", "email", "open@example.com")

	ownersKey, own := a.agent(t, owner), a.agent(t, c)
	run := own.newRun("Mine")
	for path, want := range map[string]int{
		"/members": 403, "/members/1/remove": 403, "/members/2/remove": 403, "/invitations/withdraw": 403,
		"/keys/" + keyID(t, ownersKey) + "/revoke": 403, "/keys/" + keyID(t, own) + "/revoke": 303, "/feedback": 303,
	} {
		assert.Equal(t, want, c.post(path, "email", "open@example.com", "role", "owner", "message", "Hello").StatusCode, path)
	}
	assert.Contains(t, owner.get("/members").body, "open@example.com", "the invitation is open")
	assert.Equal(t, http.StatusOK, ownersKey.get("/api/v1/runs/"+run).StatusCode, "the owner's key works")
	assert.Equal(t, http.StatusUnauthorized, own.get("/api/v1/runs/"+run).StatusCode)
	assert.NotContains(t, c.get("/keys").body, keyID(t, ownersKey)+"/revoke")
	for _, path := range []string{"/runs", "/runs/" + run, "/costs", "/usage", "/keys", "/account", "/export/runs.csv", "/export/runs.json"} {
		assert.Equal(t, http.StatusOK, c.get(path).StatusCode, path)
	}
}
