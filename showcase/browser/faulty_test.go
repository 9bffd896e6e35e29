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

// faultyPage starts a browser, and returns a function that opens a page with a script. The function
// uses the page, and returns the failures of the test in it.
func faultyPage(t *testing.T) func(t *testing.T, script string, use func(*browser.Tab)) []string {
	t.Helper()
	var current atomic.Value // the script of the page
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src *; img-src 'self'; style-src 'self'")
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><html lang="en"><head><title>t</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/icon"><link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script></head>
<body><h1>Page</h1><button>Press</button></body></html>`)
		case "/page.css":
			w.Header().Set("Content-Type", "text/css")
			fmt.Fprint(w, "button { padding: 9px } :focus-visible { outline: 3px solid blue }")
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
	return func(t *testing.T, script string, use func(*browser.Tab)) []string {
		t.Helper()
		current.Store(script)
		r := &recorder{TB: t}
		p := b.Open(r, browser.Phone)
		p.Go("/page")
		p.See("h1", "Done")
		use(p)
		r.end()
		return r.failures
	}
}
