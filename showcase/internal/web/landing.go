package web

import (
	"bytes"
	"net/http"

	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
)

// RegisterLanding adds the routes of the host without a tenant. demo returns the demo's site, or
// nil.
func (a *Web) RegisterLanding(handle func(string, http.HandlerFunc), demo func() *site.Site) {
	handle("GET /static/{file}", a.static)
	handle("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		address := ""
		if s := demo(); s != nil {
			address = s.BaseURL(a.public)
		}
		var b bytes.Buffer
		if err := a.pages["landing"].ExecuteTemplate(&b, "layout", address); err != nil {
			ops.InfoOf(r.Context()).Err = err
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.Bytes()) // a client that is gone needs no response
	})
}
