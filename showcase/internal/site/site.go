// Package site finds the tenant of a request.
package site

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// Site is one tenant's part of the service.
type Site struct {
	Tenant tenants.Tenant
	Limits runs.Limits
	// Demo is true for the tenant with public credentials.
	Demo bool
	// Pools runs the transactions.
	Pools *tenants.Pools
}

// New returns the site of a tenant. demo is the name of the demo's tenant.
func New(pools *tenants.Pools, t tenants.Tenant, demo string) *Site {
	s := &Site{Tenant: t, Limits: runs.LimitsOf(t.Plan), Demo: t.Name == demo, Pools: pools}
	if s.Demo {
		s.Limits = runs.DemoLimits
	}
	return s
}

// Tx runs work in a transaction of the tenant.
func (s *Site) Tx(ctx context.Context, work func(pgx.Tx) error) error {
	return s.Pools.Tx(ctx, s.Tenant, work)
}

// BaseURL returns the address of the tenant's pages. It does not use the request's Host header, which
// the client chooses. public is PUBLIC_URL.
func (s *Site) BaseURL(public *url.URL) string {
	u := *public
	if s.Tenant.Host != "" {
		u.Host = s.Tenant.Host
		if port := public.Port(); port != "" {
			u.Host += ":" + port
		}
	}
	return u.String()
}

type key struct{}

// With returns a request that belongs to a site.
func With(r *http.Request, s *Site) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{}, s))
}

// Of returns the site of a request. The server gives one to every request of a tenant.
func Of(r *http.Request) *Site {
	s, ok := r.Context().Value(key{}).(*Site)
	if !ok {
		panic("site: the request has no tenant")
	}
	return s
}

// Busy reports whether an error ends when the client tries again: the tenant waited too long,
// its connection string is not there yet, or the database or the pooler is being replaced.
func Busy(err error) bool {
	for _, e := range []error{tenants.ErrBusy, tenants.ErrNoLogin, context.DeadlineExceeded, io.ErrUnexpectedEOF} {
		if errors.Is(err, e) {
			return true
		}
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	var pg *pgconn.PgError
	if errors.As(err, &connect) || errors.As(err, &network) {
		return true
	}
	if errors.As(err, &pg) {
		// Connections, resources, and the end of the server; also PgBouncer's own errors (08P01).
		return strings.HasPrefix(pg.Code, "08") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "57P")
	}
	return false
}

// Unstorable reports whether the database refused a value, such as a text that is not UTF-8.
func Unstorable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "22")
}

// Full reports whether the database refused to write because the tenant is above the storage of
// its plan.
func Full(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}

// DiskFull reports whether the database refused to write because its disk is full.
func DiskFull(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "53100"
}
