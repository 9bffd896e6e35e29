package browser_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/genericcorp/platform/showcase/browser"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// The flows share one app and one browser, to save time.
func TestFlowsOfPeople(t *testing.T) {
	site, postgres := serve(t, time.Now)
	b := browser.Start(t, site)
	for _, flow := range []struct {
		name string
		run  func(testing.TB, *browser.Browser)
	}{
		{"sign in and out", browser.SignIn},
		{"watch a run live", browser.Watch},
		{"invite a member", browser.Invite},
		{"create, use and revoke a key", browser.Keys},
		{"usage", browser.Usage},
		{"keyboard only", browser.Keyboard},
		{"every page on a laptop in light colors", browser.OnALaptop},
		{"every page on a phone in dark colors", browser.OnAPhone},
	} {
		t.Run(flow.name, func(t *testing.T) { flow.run(t, b) })
	}
	t.Run("suspend a tenant", func(t *testing.T) {
		browser.Suspend(t, b.At(strings.Replace(site.URL, "acme.", "beta.", 1)), func() { postgres.Suspend(t, "beta") })
	})
}
