package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// secure sets the security headers of all responses, and refuses requests that another site makes
// a browser send.
func secure(public *url.URL, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusForbidden, "other-site", "the request comes from another site")
	}))
	protected, strict := protection.Handler(next), public.Scheme == "https" && !isLocal(public.Hostname())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if strict {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		protected.ServeHTTP(w, r)
	})
}

// isLocal reports whether a host is this machine. Browsers keep its Secure cookies by plain HTTP too.
// Strict-Transport-Security is not for it: for a year the browser would open all other programs on
// localhost by HTTPS, whatever their port.
func isLocal(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

// warnOfHTTP logs a warning if PUBLIC_URL is an address at which nobody can sign in.
func (s *Server) warnOfHTTP() {
	if public := s.config.PublicURL; public.Scheme == "http" && !isLocal(public.Hostname()) {
		s.log.Warn("nobody can sign in: browsers keep the session cookie of an http address on localhost only; set PUBLIC_URL to an https address", "public_url", public.String())
	}
}
