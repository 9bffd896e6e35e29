// Package browser uses AgentHQ as people do, with a headless Chromium. Only tests use it.
//
// A flow is a function that takes a Browser, such as SignIn. It needs nothing but the address of a
// site with the demo's tenant, so it can test the app alone and the whole platform.
package browser

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Site is where the demo's tenant is served.
type Site struct {
	// URL is the address of the tenant's pages, such as https://acme.example.com. It has no path.
	URL string
	// Address is the host and port that every name leads to. Empty means that names resolve as usual.
	Address string
	// Roots are the authorities that may sign the site's certificate. nil means those of the system.
	Roots *x509.CertPool
}

// Browser is a running Chromium, for one site.
type Browser struct {
	Site
	ctx   context.Context
	agent *http.Client
}

// Start starts Chromium, and ends it with the test. Without Chromium the test fails.
func Start(t testing.TB, s Site) *Browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		program, err = exec.LookPath("google-chrome")
	}
	require.NoError(t, err, "the browser tests need Chromium on PATH; on Debian: apt-get install chromium")
	b := &Browser{Site: s, agent: s.client(t)}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Chromium does not know the test's authority. It accepts the one certificate that was verified here.
		chromedp.Flag("ignore-certificate-errors-spki-list", b.pin(t)),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	if s.Address != "" {
		options = append(options, chromedp.Flag("host-resolver-rules", "MAP * "+s.Address))
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, _ := chromedp.NewContext(allocator, chromedp.WithErrorf(t.Logf))
	// A browser that is killed leaves processes that still write into its folder of /tmp.
	t.Cleanup(func() { assert.NoError(t, chromedp.Cancel(ctx), "close Chromium") })
	require.NoError(t, chromedp.Run(ctx), "start Chromium")
	b.ctx = ctx
	return b
}

// client returns an HTTP client that reaches the site as the browser does.
func (s Site) client(t testing.TB) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	if s.Address != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, s.Address)
		}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// pin verifies the site's certificate, and returns the hash of its key.
func (b *Browser) pin(t testing.TB) string {
	t.Helper()
	r, err := b.agent.Get(b.URL + "/sign-in")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.NotNil(t, r.TLS, "%s is not HTTPS", b.URL)
	key := sha256.Sum256(r.TLS.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(key[:])
}

// At returns the browser for another tenant of the same platform.
func (b *Browser) At(url string) *Browser {
	other := *b
	other.URL = url
	return &other
}

// host returns the host of the site, with its port.
func (b *Browser) host(t testing.TB) string {
	t.Helper()
	u, err := url.Parse(b.URL)
	require.NoError(t, err)
	assert.Empty(t, u.Path, "the address of the site has a path")
	return u.Host
}
