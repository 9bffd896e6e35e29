package browser_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/browser"
)

// recorder is a test that records its failures.
type recorder struct {
	testing.TB
	cleanups []func()
	failures []string
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) end() {
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
}

func TestEachProblemThatABrowserReportsFailsATest(t *testing.T) {
	var current atomic.Value // the script of the page
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src *; img-src 'self'; style-src 'self'")
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="/icon"><script src="/page.js" defer></script></head><body><h1>Page</h1></body></html>`)
		case "/page.js":
			w.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(w, current.Load().(string)+`; setTimeout(() => { document.querySelector("h1").textContent = "Done"; }, 300)`)
		case "/icon":
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/ends":
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	site.Config.ErrorLog = log.New(io.Discard, "", 0) // Chromium asks by plain HTTP whether it is online
	site.StartTLS()
	t.Cleanup(site.Close)
	roots := x509.NewCertPool()
	roots.AddCert(site.Certificate())
	b := browser.Start(t, browser.Site{URL: "https://www.example.com", Address: site.Listener.Addr().String(), Roots: roots})
	for script, want := range map[string]string{
		`console.log("fine")`:               "",
		`console.error("bad thing")`:        "bad thing",
		`console.assert(false, "bad")`:      "bad",
		`setTimeout(() => missing(), 0)`:    "missing is not defined",
		`Promise.reject(new Error("lost"))`: "lost",
		`fetch("/broken")`:                  "status 502",
		`fetch("/ends").catch(() => 0)`:     "a request failed",
		`fetch("/none")`:                    "404",
		`fetch("https://elsewhere.example/", {mode: "no-cors"}).catch(() => 0)`:                     "another site: https://elsewhere.example/",
		`document.body.append(Object.assign(document.createElement("script"), {textContent: "1"}))`: "ContentSecurityPolicyIssue",
		`document.body.setAttribute("style", "color: red")`:                                         "ContentSecurityPolicyIssue",
		`new Image().src = "data:image/gif;base64,R0lGODlhAQABAAAAACw="`:                            "csp",
	} {
		t.Run(script, func(t *testing.T) {
			current.Store(script)
			r := &recorder{TB: t}
			p := b.Open(r, browser.Laptop)
			p.Go("/page")
			p.See("h1", "Done")
			r.end()
			if want == "" {
				assert.Empty(t, r.failures)
				return
			}
			require.NotEmpty(t, r.failures)
			assert.Contains(t, fmt.Sprint(r.failures), want)
		})
	}
}
