package server_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/demo"
)

func change(c *client, current, next string) response {
	c.t.Helper()
	return c.post("/account", "current", current, "new", next, "again", next)
}

func TestAMemberChangesThePasswordAndAllOtherSessionsEnd(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	other := a.client(t, "beta.hq.test")
	require.Equal(t, http.StatusSeeOther, other.signIn("olga@example.com", "a long password").StatusCode)
	assert.Contains(t, c.get("/account").body, "olga@example.com")
	assert.Contains(t, c.get("/runs").body, `href="/account"`)

	changed := change(c, "a long password", "a better password")
	require.Equal(t, http.StatusSeeOther, changed.StatusCode, changed.body)
	assert.Contains(t, c.get(changed.Header.Get("Location")).body, "Your password was changed")
	require.Len(t, changed.Cookies(), 2, "the session gets a new token, and the browser stays known")
	assert.Equal(t, "/sign-in", other.get("/runs").Header.Get("Location"))
	assert.Equal(t, http.StatusUnauthorized, other.signIn("olga@example.com", "a long password").StatusCode)
	assert.Equal(t, http.StatusSeeOther, other.signIn("olga@example.com", "a better password").StatusCode)
	assert.Equal(t, http.StatusOK, c.get("/runs").StatusCode)
	assert.Contains(t, a.client(t, pod).get("/metrics").body, `app_events_total{event="password_changed",tenant="beta"} 1`)
}

func TestAChangeOfPasswordIsRefusedWithTheReason(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	for _, form := range []struct {
		reason, current, next, again string
		status                       int
		message                      string
	}{
		{"wrong current password", "a wrong password", "a better password", "a better password", 403, "current password is wrong"},
		{"short", "a long password", "short", "short", 422, "12 to 200 characters"},
		{"typed differently", "a long password", "a better password", "a better passwort", 422, "not the same"},
		{"the old one", "a long password", "a long password", "a long password", 422, "is the current one"},
	} {
		r := c.post("/account", "current", form.current, "new", form.next, "again", form.again)
		assert.Equal(t, form.status, r.StatusCode, form.reason)
		assert.Contains(t, r.body, form.message, form.reason)
		assert.NotContains(t, r.body, `value="`+form.next, form.reason)
	}
	assert.Equal(t, http.StatusSeeOther, a.client(t, "beta.hq.test").signIn("olga@example.com", "a long password").StatusCode, "nothing has changed")
	nobody := a.client(t, "beta.hq.test")
	assert.Equal(t, "/sign-in", nobody.get("/account").Header.Get("Location"))
	assert.Equal(t, "/sign-in", change(nobody, "a long password", "a better password").Header.Get("Location"))
	a.suspendWrites(t, "beta")
	assert.Equal(t, http.StatusForbidden, change(c, "a long password", "a better password").StatusCode, "a password is stored too")
}

func TestTheDemosPasswordCannotBeChanged(t *testing.T) {
	a := start(t)
	c := a.visitor(t)
	assert.Contains(t, c.get("/account").body, "cannot be changed")
	assert.Equal(t, http.StatusForbidden, change(c, demo.Password, "only mine from now").StatusCode)
	a.visitor(t)
}

// A stolen session must not be enough to guess the password.
func TestGuessesOfTheCurrentPasswordAreThrottledWithThoseOfSignIns(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	var r response
	for range 6 {
		r = change(c, "a wrong password", "a better password")
	}
	assert.Equal(t, http.StatusTooManyRequests, r.StatusCode)
	assert.NotEmpty(t, r.Header.Get("Retry-After"))
	assert.Equal(t, http.StatusTooManyRequests, change(c, "a long password", "a better password").StatusCode, "the right one does not help")
	assert.Equal(t, http.StatusTooManyRequests, c.signIn("olga@example.com", "a long password").StatusCode)
}

func TestGuessesOfOthersDoNotLockAMemberOutOfABrowserThatHasSignedInBefore(t *testing.T) {
	a := start(t)
	owner, other := a.owner(t), a.client(t, "beta.hq.test")
	require.Equal(t, http.StatusSeeOther, other.signIn("olga@example.com", "a long password").StatusCode)
	attacker := a.client(t, "beta.hq.test")
	attacker.header.Set("X-Forwarded-For", "192.0.2.1")
	lock := func() {
		for range 5 {
			attacker.signIn("olga@example.com", "a wrong password")
		}
		require.Equal(t, http.StatusTooManyRequests, attacker.signIn("olga@example.com", "a wrong password").StatusCode)
	}
	lock()
	owner.post("/sign-out")
	require.Equal(t, http.StatusSeeOther, owner.signIn("olga@example.com", "a long password").StatusCode)
	require.Equal(t, http.StatusSeeOther, change(owner, "a long password", "a better password").StatusCode)
	require.Equal(t, http.StatusSeeOther, owner.signIn("olga@example.com", "a better password").StatusCode)
	assert.Equal(t, http.StatusTooManyRequests, other.signIn("olga@example.com", "a better password").StatusCode, "it has not signed in with this password")
	attacker.header.Set("Cookie", "__Host-device=chosen.by-an-attacker")
	assert.Equal(t, http.StatusTooManyRequests, attacker.signIn("olga@example.com", "a better password").StatusCode)
	for range 5 {
		owner.signIn("olga@example.com", "a wrong password")
	}
	assert.Equal(t, http.StatusTooManyRequests, owner.signIn("olga@example.com", "a better password").StatusCode, "a known browser may not guess more")
}

func TestOfTwoChangesAtOnceOneIsMadeAndNoSignInWithTheOldPasswordSurvives(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	attempts := []*client{c, a.client(t, "beta.hq.test")}
	require.Equal(t, http.StatusSeeOther, attempts[1].signIn("olga@example.com", "a long password").StatusCode)
	var all sync.WaitGroup
	var done atomic.Int32
	for _, attempt := range attempts {
		all.Go(func() {
			if change(attempt, "a long password", "a better password").StatusCode == http.StatusSeeOther && attempt.get("/runs").StatusCode == http.StatusOK {
				done.Add(1)
			}
		})
	}
	late := make([]*client, 4)
	for i := range late {
		late[i] = a.client(t, "beta.hq.test")
		all.Go(func() { late[i].signIn("olga@example.com", "a long password") })
	}
	all.Wait()
	assert.EqualValues(t, 1, done.Load())
	for _, attempt := range late {
		assert.Equal(t, "/sign-in", attempt.get("/runs").Header.Get("Location"))
	}
	assert.Equal(t, 1, a.count(t, "SELECT count(*) FROM tenant_beta.sessions"))
}
