package site_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/showcase/internal/runs"
	"github.com/genericcorp/platform/showcase/internal/site"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

func TestOnlyErrorsThatPassAreBusy(t *testing.T) {
	for _, err := range []error{
		tenants.ErrBusy, tenants.ErrNoLogin, context.DeadlineExceeded, &pgconn.ConnectError{}, &net.OpError{Err: errors.New("reset")},
		&pgconn.PgError{Code: "57P01"}, &pgconn.PgError{Code: "53300"}, &pgconn.PgError{Code: "08P01"},
	} {
		assert.True(t, site.Busy(fmt.Errorf("query: %w", err)), "%T %v", err, err)
	}
	for _, err := range []error{nil, errors.New("x"), context.Canceled, runs.ErrNotFound, &pgconn.PgError{Code: "42501"}, &pgconn.PgError{Code: "42P01"}} {
		assert.False(t, site.Busy(err), "%T %v", err, err)
	}
	assert.True(t, site.Full(fmt.Errorf("insert: %w", &pgconn.PgError{Code: "42501"})))
	assert.False(t, site.Full(&pgconn.PgError{Code: "42P01"}))
	assert.True(t, site.DiskFull(fmt.Errorf("insert: %w", &pgconn.PgError{Code: "53100"})))
	assert.False(t, site.DiskFull(&pgconn.PgError{Code: "53200"}))
}

func TestTheDemoAndThePlansHaveTheirLimits(t *testing.T) {
	limits := func(name, plan string) runs.Limits {
		return site.New(nil, tenants.Tenant{Name: name, Plan: plan}, "acme").Limits
	}
	assert.Equal(t, runs.DemoLimits, limits("acme", "enterprise"))
	assert.EqualValues(t, 64, limits("beta", "starter").StorageMiB)
	assert.Greater(t, limits("beta", "growth").Runs, limits("beta", "starter").Runs)
	assert.Zero(t, limits("main", "self-hosted").Runs)
	assert.Positive(t, limits("main", "self-hosted").Rate)
}

func TestLinksUseTheTenantsHostWithSchemeAndPortOfThePublicAddress(t *testing.T) {
	for public, want := range map[string]string{"https://hq.test": "https://acme.hq.test", "https://demo.localhost:8443": "https://acme.hq.test:8443"} {
		u, err := url.Parse(public)
		assert.NoError(t, err)
		assert.Equal(t, want, site.New(nil, tenants.Tenant{Name: "acme", Host: "acme.hq.test"}, "").BaseURL(u))
		assert.Equal(t, public, site.New(nil, tenants.Tenant{Name: tenants.Single}, "").BaseURL(u))
	}
}

func TestARequestWithoutATenantPanics(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	assert.Panics(t, func() { site.Of(r) })
	s := site.New(nil, tenants.Tenant{Name: "acme"}, "")
	assert.Same(t, s, site.Of(site.With(r, s)))
}
