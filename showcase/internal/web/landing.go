package web

import (
	"bytes"
	"net/http"

	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// landing is the data of the page of the host without a tenant.
type landing struct {
	// Demo is the address of the demo, or empty.
	Demo string
	// WebAnalytics is the token of Cloudflare Web Analytics, or empty.
	WebAnalytics string
}

// RegisterLanding adds the routes of the host without a tenant. demo returns the demo's site, or
// nil. webAnalytics is the token of Cloudflare Web Analytics, or empty.
func (a *Web) RegisterLanding(handle func(string, http.HandlerFunc), demo func() *site.Site, webAnalytics string) {
	handle("GET /static/{file}", a.static)
	handle("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		page := landing{WebAnalytics: webAnalytics}
		if s := demo(); s != nil {
			page.Demo = s.BaseURL(a.public)
		}
		var b bytes.Buffer
		if err := a.pages["landing"].ExecuteTemplate(&b, "layout", page); err != nil {
			ops.InfoOf(r.Context()).Err = err
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // a client that is gone needs no response
	})
}
