package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

const policyHeader = "Content-Security-Policy"

// policy returns a policy that allows nothing but the own files. It also allows scripts and
// connections of one more host each, unless that is empty.
func policy(scripts, connections string) string {
	own := func(directive, host string) string { return strings.TrimSpace(directive + " 'self' " + host) }
	return strings.Join([]string{
		"default-src 'none'", own("script-src", scripts), "style-src 'self'", "img-src 'self'", own("connect-src", connections),
		"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// allowWebAnalytics allows the script of Cloudflare Web Analytics, and the host to which it reports
// (developers.cloudflare.com/web-analytics/faq). It is for the page of the host without a tenant only:
// that has no session and no form. Cloudflare counts a visit only if it sees the page's origin.
func allowWebAnalytics(w http.ResponseWriter) {
	w.Header().Set(policyHeader, policy("https://static.cloudflareinsights.com/beacon.min.js", "https://cloudflareinsights.com"))
	w.Header().Set("Referrer-Policy", "strict-origin")
}

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
		h.Set(policyHeader, policy("", ""))
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
