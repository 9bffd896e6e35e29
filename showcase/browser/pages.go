package browser

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// Keyboard signs in, reads a run, creates and revokes an API key, and signs out, without a pointer.
// The focus is visible at every stop.
func Keyboard(t testing.TB, b *Browser) {
	p, name := b.Open(t, Laptop), unique("keyboard")
	p.Go("/sign-in")
	p.See("h1", "Sign in")
	shown := p.Texts("#demo code")
	p.Write(shown[0]) // the page puts the focus into the first field
	p.TabTo("Password")
	p.Write(shown[1])
	p.Press(kb.Enter)
	p.See("h1", "Runs")

	p.TabTo("Skip to the content")
	p.Press(kb.Enter)
	p.TabTo("Search")
	p.Write("billing module")
	p.TabTo("Show")
	p.Press(kb.Enter)
	p.See("tbody tr:only-child", "billing module")
	p.TabTo("Review: move to the new billing module")
	p.Press(kb.Enter)
	p.See("h1", "billing module")
	p.TabTo("Data")
	p.Press(kb.Enter)
	p.See("details[open] code", "{")

	p.Go("/runs") // the focus starts at the top again
	p.TabTo("API keys")
	p.Press(kb.Enter)
	p.See("h1", "API keys")
	p.TabTo("Name of a new key")
	p.Write(name)
	p.Press(kb.Enter)
	p.See("#new-key", "ahq_")
	p.TabTo("Revoke " + name)
	p.Press(kb.Enter)
	var revoked bool
	p.until(&revoked, script("state", name)+" === 'revoked'")
	p.TabTo("Sign out")
	p.Press(kb.Enter)
	p.See("h1", "Sign in")
}

// AllPages opens every page, and calls check on each.
func AllPages(t testing.TB, b *Browser, d Device, check func(p *Tab, page string)) {
	p, name := b.Open(t, d), unique("pages")
	p.Go("/sign-in")
	check(p, "sign in")
	p = Visit(t, b, d)
	check(p, "runs")
	p.Click("Review: move to the new billing module")
	p.See("h1", "billing module")
	p.Click("Data")
	p.See("details[open] code", "{")
	check(p, "a run that failed")
	p.Go("/runs")
	p.Click("Sort the tickets of today")
	p.See("#live", "new events appear here")
	check(p, "a run that is going on")
	p.Go("/runs?q=" + name)
	p.See("main", "No run matches")
	check(p, "no runs")
	p.Go("/costs")
	p.Click("The same figures as a table")
	p.See("details[open] table", "code-reviewer")
	check(p, "costs")
	agent := p.newKey(name)
	check(p, "a new key")
	p.Go("/runs/" + agent.Start(name))
	p.See("#empty", "No events yet")
	check(p, "a run without events")
	p.revoke(name)
	check(p, "keys")
	p.pagesOfGuest(name, d, check)
	for _, page := range []string{"usage", "feedback", "account"} {
		p.Go("/" + page)
		check(p, page)
	}
	p.Expect(http.StatusNotFound)
	p.Go("/no-such-page")
	check(p, "an error")
}

// pagesOfGuest opens the pages of an invitation and of a new account, and removes that account.
func (p *Tab) pagesOfGuest(name string, d Device, check func(p *Tab, page string)) {
	p.t.Helper()
	p.Go("/members")
	p.Fill("E-mail of a new member", name+"@example.com")
	p.Click("Invite")
	link := p.Text("#link")
	check(p, "members with an invitation")
	guest := p.Open(p.t, d)
	guest.Go(link)
	guest.See("h1", "Join")
	check(guest, "an invitation")
	guest.join(name)
	guest.changePassword(name, func() { check(guest, "an account") })
	p.Go("/members")
	p.Click("Remove " + name)
	p.Gone("tbody", name)
}

// OnALaptop opens every page on a laptop, with light colors.
func OnALaptop(t testing.TB, b *Browser) {
	AllPages(t, b, Laptop, func(p *Tab, page string) {
		p.t.Helper()
		p.Readable(page, false)
	})
}

// OnAPhone opens every page on a phone, with dark colors.
func OnAPhone(t testing.TB, b *Browser) {
	d := Phone
	d.Dark = true
	AllPages(t, b, d, func(p *Tab, page string) {
		p.t.Helper()
		p.Readable(page, true)
		p.FitsPhone(page)
	})
}

// Suspend calls a function that suspends the site's tenant. The page that a person has open answers 503
// then.
func Suspend(t testing.TB, b *Browser, suspend func()) {
	p := b.Open(t, Laptop)
	p.Go("/sign-in")
	p.See("h1", "Sign in")
	suspend()
	p.Expect(http.StatusServiceUnavailable)
	require.Eventually(t, func() bool {
		p.Go("/sign-in")
		var status int
		p.read(&status, "performance.getEntriesByType('navigation')[0].responseStatus")
		return status == http.StatusServiceUnavailable
	}, time.Minute, pause)
	p.Missing("form")
}

// Interrupt shows a run live while the service answers 503 for some seconds. The timeline goes on after
// that without a reload.
func Interrupt(t testing.TB, b *Browser, interrupt, resume func()) {
	p, name := Visit(t, b, Laptop), unique("interrupt")
	agent := p.newKey(name)
	run := agent.Start(name)
	p.Click("Runs")
	p.Click(name)
	p.See("#live", "new events appear here")
	p.Expect(http.StatusServiceUnavailable)
	interrupt()
	p.See("#live", "The connection was lost")
	p.Await(http.StatusServiceUnavailable)
	resume()
	agent.Log(run, "after the interruption")
	p.See("#timeline", "after the interruption")
	p.See("#live", "new events appear here")
	agent.Finish(run, "succeeded")
	p.See("#live", "The run has ended: succeeded")
	p.revoke(name)
}
