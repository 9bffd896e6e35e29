// Package server joins the parts of AgentHQ to one HTTP handler, and runs what happens in the
// background.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/genericcorp/platform/showcase/internal/api"
	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/ops"
	"github.com/genericcorp/platform/showcase/internal/site"
	"github.com/genericcorp/platform/showcase/internal/tenants"
	"github.com/genericcorp/platform/showcase/internal/web"
)

// requestLimit is how long a request may wait for the database, except for live streams.
const requestLimit = 10 * time.Second

// Server is AgentHQ without a listener.
type Server struct {
	config   config.Config
	log      *slog.Logger
	registry *tenants.Registry
	pools    *tenants.Pools
	runner   *migrate.Runner
	health   *ops.Health
	metrics  *ops.Metrics
	// invited is true when the first owner was invited, or need not be. Only Run's goroutine uses it.
	invited bool
	// team has the routes of a tenant's host, landing those of the host without a tenant.
	team, landing *http.ServeMux
	handler       http.Handler
}

// New returns a server. It opens no connection. Call Close at the end.
func New(c config.Config, version string, log *slog.Logger) (*Server, error) {
	s := &Server{config: c, log: log, team: http.NewServeMux(), landing: http.NewServeMux()}
	var err error
	if s.registry, err = openRegistry(c); err != nil {
		return nil, err
	}
	if s.runner, err = migrate.New(c.DatabaseURL, nil); err != nil {
		return nil, err
	}
	if s.health, err = ops.NewHealth(c.DatabaseURL, s.runner); err != nil {
		return nil, err
	}
	s.pools = tenants.NewPools(tenants.Limits{Transactions: c.Transactions, Pools: c.TenantPools, Single: c.DatabasePool})
	s.metrics = ops.NewMetrics(version, s.pools, s.runner)
	pages, err := web.New(s.metrics, c.PublicURL, c.Clock)
	if err != nil {
		return nil, err
	}
	pages.Register(routes(s.team))
	api.New(s.metrics).Register(routes(s.team))
	pages.RegisterLanding(routes(s.landing), s.demo, c.WebAnalyticsToken)
	s.handler = ops.Observe(log, s.metrics, c.ProxyHops, secure(c.PublicURL, http.HandlerFunc(s.route)))
	return s, nil
}

func openRegistry(c config.Config) (*tenants.Registry, error) {
	if !c.MultiTenant() {
		return tenants.OpenSingle(c.DatabaseURL), nil
	}
	r, err := tenants.Open(c.TenantsDir)
	if err != nil {
		return nil, fmt.Errorf("TENANTS_DIR: %w", err)
	}
	return r, nil
}

// routes returns a function that adds a route to a mux, and tells log and metrics its pattern.
func routes(mux *http.ServeMux) func(string, http.HandlerFunc) {
	return func(pattern string, h http.HandlerFunc) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			ops.InfoOf(r.Context()).Route = pattern
			if !strings.HasSuffix(pattern, "/stream") {
				ctx, cancel := context.WithTimeout(r.Context(), requestLimit)
				defer cancel()
				r = r.WithContext(ctx)
			}
			h(w, r)
		})
	}
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// route finds the tenant of a request.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		s.health.Live(w, r)
		return
	}
	if s.internal(r) && s.operate(w, r) {
		return
	}
	t, ok := s.registry.ByHost(r.Host)
	switch {
	case !ok && s.isPublicHost(r.Host):
		if s.config.WebAnalyticsToken != "" {
			allowWebAnalytics(w)
		}
		s.landing.ServeHTTP(w, r)
	case !ok:
		http.Error(w, "404 no team has this address", http.StatusNotFound)
	case !t.Active() || !s.runner.State(t.Name).Migrated():
		ops.InfoOf(r.Context()).Tenant = t.Name
		w.Header().Set("Retry-After", "10")
		refuse(w, r, http.StatusServiceUnavailable, "unavailable", "this team is not available at the moment")
	default:
		ops.InfoOf(r.Context()).Tenant = t.Name
		s.team.ServeHTTP(w, site.With(r, site.New(s.pools, t, s.config.DemoTenant)))
	}
}

// refuse answers a request that reaches neither the pages nor the API. An agent gets a problem.
func refuse(w http.ResponseWriter, r *http.Request, status int, kind, reason string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		api.Refuse(w, r, status, kind, reason)
		return
	}
	http.Error(w, fmt.Sprint(status, " ", reason), status)
}

// operate serves the paths for operators. It reports whether the path is one of them.
func (s *Server) operate(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case "/readyz":
		s.health.Ready(w, r)
	case "/metrics":
		s.metrics.Handler().ServeHTTP(w, r)
	default:
		return false
	}
	return true
}

// internal reports whether a request does not come from the Internet. The kubelet and the metrics
// store use the Pod's address as host, and no proxy. A name that is not known is no sign of them: the
// proxy may already lead the host of a new tenant here.
func (s *Server) internal(r *http.Request) bool {
	if _, proxied := r.Header["X-Forwarded-For"]; proxied {
		return false
	}
	return !s.config.MultiTenant() || net.ParseIP(tenants.HostName(r.Host)) != nil
}

func (s *Server) isPublicHost(host string) bool {
	return tenants.HostName(host) == strings.ToLower(s.config.PublicURL.Hostname())
}

// demo returns the site of the demo's tenant; nil if there is none that can be served.
func (s *Server) demo() *site.Site {
	t, ok := s.registry.ByName(s.config.DemoTenant)
	if !ok || !t.Active() || !s.runner.State(t.Name).Migrated() {
		return nil
	}
	return site.New(s.pools, t, s.config.DemoTenant)
}
