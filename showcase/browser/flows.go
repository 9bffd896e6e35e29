package browser

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unique returns a name that no earlier run of the flows has used. Flows can share a tenant.
func unique(prefix string) string { return fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano()) }

// Visit signs in with the credentials that the demo's page shows, and returns the tab.
func Visit(t testing.TB, b *Browser, d Device) *Tab {
	t.Helper()
	p := b.Open(t, d)
	p.Go("/")
	p.See("h1", "Sign in")
	p.See(".banner", "This is a demo")
	shown := p.Texts("#demo code")
	require.Len(t, shown, 2, "the e-mail address and the password")
	p.Fill("E-mail", shown[0])
	p.Fill("Password", shown[1])
	p.Click("Sign in")
	p.See("h1", "Runs")
	return p
}

// SignIn signs in and out. After that, neither an address nor the button Back shows the runs.
func SignIn(t testing.TB, b *Browser) {
	p := Visit(t, b, Laptop)
	p.See("tbody", "Sort the tickets of today")
	p.Click("Sign out")
	p.See("h1", "Sign in")
	p.back()
	p.See("h1", "Sign in")
	p.Go("/runs")
	p.See("h1", "Sign in")
	p.Missing("table")
}

// newKey creates an API key on a page, and returns an agent that uses it.
func (p *Tab) newKey(name string) Agent {
	p.t.Helper()
	p.Click("API keys")
	p.See("h1", "API keys")
	p.Fill("Name of a new key", name)
	p.Click("Create a key")
	return Agent{p.Browser, p.t, p.Text("#new-key")}
}

// revoke revokes an API key on a page.
func (p *Tab) revoke(name string) {
	p.t.Helper()
	p.Click("API keys")
	p.Click("Revoke " + name)
	var revoked bool
	p.until(&revoked, script("state", name)+" === 'revoked'")
}

// Watch shows a run while an agent reports it. The timeline grows without a reload.
func Watch(t testing.TB, b *Browser) {
	p, name := Visit(t, b, Laptop), unique("watch")
	agent := p.newKey(name)
	run := agent.Start(name)
	p.Click("Runs")
	p.Click(name)
	p.See("h1", name)
	p.See("#empty", "No events yet")
	p.See("#live", "new events appear here")
	var marked bool
	p.read(&marked, "window.sameDocument = true")
	agent.Log(run, "first <b>step</b>", "second step")
	p.See("#timeline", "first <b>step</b>")
	p.See("#timeline", "second step")
	p.Missing("#empty")
	agent.Log(run, "third step")
	p.See("#timeline", "third step")
	p.See("#summary", "$0.0036")
	agent.Finish(run, "succeeded")
	p.See("#live", "The run has ended: succeeded")
	p.See("#summary .status", "succeeded")
	assert.Len(t, p.Texts("#timeline > li"), 3)
	p.read(&marked, "window.sameDocument === true")
	assert.True(t, marked, "the page was loaded again")
	p.revoke(name)
}

// token is the secret part of an invitation's link.
var token = regexp.MustCompile(`/invitations/[\w-]{20,}$`)

// Invite invites a member, who joins in a browser of their own, and then removes the member.
func Invite(t testing.TB, b *Browser) {
	owner, name := Visit(t, b, Laptop), unique("guest")
	email := name + "@example.com"
	owner.Click("Members")
	owner.Fill("E-mail of a new member", email)
	owner.Choose("Role", "member")
	owner.Click("Invite")
	link := owner.Text("#link")
	require.Regexp(t, token, link)
	require.True(t, strings.HasPrefix(link, b.URL+"/"), "%s is not an address of %s", link, b.URL)

	guest := b.Open(t, Laptop)
	guest.Go(link)
	guest.See("main", email)
	guest.join(name)
	guest.Click("Members")
	guest.See("tbody", email)
	guest.Missing("button.danger")

	again := b.Open(t, Laptop)
	again.Expect(http.StatusNotFound)
	again.Go(link)
	again.See("h1", "That did not work")

	owner.Click("Members")
	owner.Click("Remove " + name)
	owner.Gone("tbody", email)
	guest.Click("Runs")
	guest.See("h1", "Sign in")
}

// join accepts the invitation that the tab shows.
func (p *Tab) join(name string) {
	p.t.Helper()
	p.Fill("Your name", name)
	p.Fill("New password, at least 12 characters", "a password for "+name)
	p.Click("Join")
	p.See("h1", "Runs")
	p.See(".who", name)
}

// changePassword changes the password of a member who has joined. It calls a function before that.
func (p *Tab) changePassword(name string, before func()) {
	p.t.Helper()
	p.Click(name)
	p.See("h1", "Account")
	before()
	p.Fill("Current password", "a password for "+name)
	p.Fill("New password, at least 12 characters", "a new password for "+name)
	p.Fill("The new password again", "a new password for "+name)
	p.Click("Change it")
	p.See("main", "Your password was changed")
}

// Keys creates an API key, uses it, and revokes it. The next request is refused.
func Keys(t testing.TB, b *Browser) {
	p, name := Visit(t, b, Laptop), unique("key")
	agent := p.newKey(name)
	require.Regexp(t, `^ahq_\w+_[\w-]{20,}$`, agent.key)
	agent.Start(name)
	p.Go("/keys")
	p.See("tbody", name)
	p.Missing("#new-key")
	p.revoke(name)
	status, _ := agent.Send(http.MethodPost, "runs", map[string]string{"agent": "browser-test", "title": name})
	assert.Equal(t, http.StatusUnauthorized, status)
	p.Go("/runs")
	p.Fill("Search", name)
	p.Click("Show")
	var found int
	p.until(&found, "location.search.includes('q=') && document.querySelectorAll('tbody tr').length")
	assert.Equal(t, 1, found, "runs of the key")
}

// Usage compares the usage with the limits of the plan before and after a run.
func Usage(t testing.TB, b *Browser) {
	p, name := Visit(t, b, Laptop), unique("usage")
	agent := p.newKey(name)
	before := p.meters()
	run := agent.Start(name)
	agent.Log(run, "one", "two", "three")
	agent.Finish(run, "canceled")
	after := p.meters()
	p.See("main", "The plan of this team is")
	assert.GreaterOrEqual(t, after["Runs this month"], before["Runs this month"]+1)
	assert.GreaterOrEqual(t, after["Events this month"], before["Events this month"]+3)
	assert.NotZero(t, after["Seats"])
	assert.NotZero(t, after["Storage"])
	p.revoke(name)
}

// meters returns what the usage page says is used, by name.
func (p *Tab) meters() map[string]float64 {
	p.t.Helper()
	p.Go("/usage")
	p.See("h1", "Usage")
	var used map[string]float64
	p.read(&used, script("meters"))
	require.Len(p.t, used, 4)
	return used
}
