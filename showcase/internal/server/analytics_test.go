package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

const (
	strictPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	beacon       = "cloudflareinsights"
)

func TestVisitsOfTheLandingPageAreCountedAndOfNoOther(t *testing.T) {
	postgres := pgtest.Start(t, "acme")
	const token = "0123456789abcdef0123456789abcdef"
	a := launch(t, postgres, map[string]string{"DATABASE_URL": postgres.AppURL(), "TENANTS_DIR": postgres.Folder,
		"PUBLIC_URL": "https://" + pgtest.Domain, "DEMO_TENANT": "acme", "WEB_ANALYTICS_TOKEN": token})
	landing := a.client(t, pgtest.Domain).get("/")
	assert.Contains(t, landing.body, `<script src="https://static.cloudflareinsights.com/beacon.min.js" data-cf-beacon='{"token": "`+token+`"}' defer></script>`)
	assert.Equal(t, "default-src 'none'; script-src 'self' https://static.cloudflareinsights.com/beacon.min.js; style-src 'self'; img-src 'self'; "+
		"connect-src 'self' https://cloudflareinsights.com; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", landing.Header.Get("Content-Security-Policy"))
	assert.Equal(t, "strict-origin", landing.Header.Get("Referrer-Policy"), "Cloudflare refuses a report without the page's origin")
	assert.Contains(t, landing.body, "counts the visits of this page", "visitors are told")
	assert.NotContains(t, landing.body, "<form", "a script of others must not see what people enter")

	tenant := a.client(t, "acme."+pgtest.Domain)
	for _, path := range []string{"/sign-in", "/invitations/x", "/nowhere"} {
		r := tenant.get(path)
		assert.Equal(t, strictPolicy, r.Header.Get("Content-Security-Policy"), path)
		assert.Equal(t, "same-origin", r.Header.Get("Referrer-Policy"), path)
		assert.NotContains(t, r.body, beacon, path)
	}
	assert.Equal(t, http.StatusSeeOther, tenant.signIn(demo.Email, demo.Password).StatusCode)
	runs := tenant.get("/runs")
	assert.Equal(t, http.StatusOK, runs.StatusCode)
	assert.Equal(t, strictPolicy, runs.Header.Get("Content-Security-Policy"))
	assert.NotContains(t, runs.body, beacon)
}

func TestWithoutATokenNoVisitIsCounted(t *testing.T) {
	a := start(t)
	landing := a.client(t, pgtest.Domain).get("/")
	assert.Equal(t, strictPolicy, landing.Header.Get("Content-Security-Policy"))
	assert.NotContains(t, landing.body, beacon)
	assert.NotContains(t, landing.body, "counts the visits")
}
