package browser_test

import (
	"crypto/x509"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/browser"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

// With these flags the flows use a site that runs already, such as the whole platform.
var (
	url     = flag.String("site", "", "test the demo's tenant at this address, such as https://acme.demo.localhost:8443")
	address = flag.String("address", "", "the host and port that all names of -site lead to; empty if they resolve")
	ca      = flag.String("ca", "", "a file with the authority of the certificate of -site")
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// running returns the site of the flags. Its URL is empty without them.
func running(t *testing.T) browser.Site {
	t.Helper()
	site := browser.Site{URL: *url, Address: *address}
	if *ca != "" {
		data, err := os.ReadFile(*ca)
		require.NoError(t, err)
		site.Roots = x509.NewCertPool()
		require.True(t, site.Roots.AppendCertsFromPEM(data), "%s has no certificate", *ca)
	}
	return site
}

// The flows share one app and one browser, to save time.
func TestFlowsOfPeople(t *testing.T) {
	site := running(t)
	var postgres *pgtest.Server
	if site.URL == "" {
		site, postgres = serve(t, time.Now)
	}
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
	if postgres == nil {
		return // only the owner of the stack file suspends a tenant of the platform
	}
	t.Run("watch a run live while the database refuses the tenant", func(t *testing.T) {
		browser.Interrupt(t, b, func() {
			postgres.Run(t, "ALTER ROLE tenant_acme NOLOGIN", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant_acme'")
		}, func() { postgres.Run(t, "ALTER ROLE tenant_acme LOGIN") })
	})
	t.Run("suspend a tenant", func(t *testing.T) {
		browser.Suspend(t, b.At(strings.Replace(site.URL, "acme.", "beta.", 1)), func() { postgres.Suspend(t, "beta") })
	})
}
