package server_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

// A status of 500 is for the operator: anybody could cause the alert about failed requests.
func TestFormsWithTextThatCannotBeStoredAreAFaultOfTheClient(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	for _, text := range []string{"a\x00b", "a\xffb"} {
		for path, field := range map[string]string{
			"/sign-in": "email", "/invitations/withdraw": "email", "/members": "email", "/keys": "name", "/feedback": "message",
			"/invitations/" + url.PathEscape(text): "name", "/keys/" + url.PathEscape(text) + "/revoke": "x",
		} {
			r := c.post(path, field, text, "password", "a long password")
			assert.True(t, r.StatusCode >= 400 && r.StatusCode < 500, "%s: %d", path, r.StatusCode)
		}
	}
	assert.NotContains(t, a.log.String(), `"level":"ERROR"`)
}
