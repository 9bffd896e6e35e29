package server_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/server"
)

// alone returns a database for single-tenant mode, and the variables that AgentHQ needs with it.
func alone(t *testing.T) (*pgtest.Server, map[string]string) {
	t.Helper()
	postgres := pgtest.Start(t)
	postgres.Run(t, "GRANT ALL ON SCHEMA public TO app")
	return postgres, map[string]string{"DATABASE_URL": postgres.AppURL(), "PUBLIC_URL": "https://hq.example:8443", "PROXY_HOPS": "1"}
}

// firstLink starts AgentHQ, and returns the path of the link that it logs for the first account. The
// path is empty if there is none.
func firstLink(t *testing.T, postgres *pgtest.Server, env map[string]string) (*app, string) {
	t.Helper()
	a := launch(t, postgres, env)
	for range 2 {
		server.InviteFirst(a.Server, context.Background())
	}
	var line struct{ Level, Msg, Link string }
	for text := range strings.Lines(a.log.String()) {
		if !strings.Contains(text, "first") {
			continue
		}
		require.Empty(t, line.Link, "one line for each start")
		require.NoError(t, json.Unmarshal([]byte(text), &line))
		assert.Equal(t, "WARN", line.Level)
		assert.Contains(t, line.Msg, "create the first account")
	}
	path, found := strings.CutPrefix(line.Link, "https://hq.example:8443")
	assert.True(t, found || line.Link == "", line.Link)
	return a, path
}

func TestTheFirstAccountIsCreatedByALinkOfTheLogWhichARestartReplaces(t *testing.T) {
	postgres, env := alone(t)
	_, old := firstLink(t, postgres, env)
	a, path := firstLink(t, postgres, env)
	require.NotEmpty(t, old)
	require.NotEmpty(t, path)
	c := a.client(t, "hq.example:8443")
	assert.Equal(t, http.StatusNotFound, c.get(old).StatusCode, "the restart ended it")
	page := c.get(path)
	assert.Contains(t, page.body, `id="email" name="email" type="email"`)
	for _, wrong := range []string{"", "no address", "a@b@c"} {
		r := c.post(path, "name", "Olga", "email", wrong, "password", "a long password")
		assert.Equal(t, http.StatusUnprocessableEntity, r.StatusCode, wrong)
		assert.Contains(t, r.body, "This is not an e-mail address.")
		assert.Contains(t, r.body, `value="Olga"`)
		assert.Contains(t, r.body, `value="`+wrong+`"`)
	}
	require.Equal(t, http.StatusSeeOther, c.post(path, "name", "Olga", "email", "Olga@Example.com", "password", "a long password").StatusCode)
	assert.Contains(t, c.get("/members").body, `olga@example.com</td><td data-label="Role">owner`)
	assert.Equal(t, http.StatusNotFound, a.client(t, "hq.example").post(path, "name", "Eve", "email", "eve@example.com", "password", "a long password").StatusCode, "the link works once")
	_, path = firstLink(t, postgres, env)
	assert.Empty(t, path, "there is an owner")
}

func TestTheFirstLinkEndsWhenAnOwnerJoinsInAnotherWay(t *testing.T) {
	postgres, env := alone(t)
	a, path := firstLink(t, postgres, env)
	var out strings.Builder
	require.NoError(t, a.PrintInvitation(context.Background(), &out, "olga@example.com", ""))
	link, err := url.Parse(strings.TrimSpace(out.String()))
	require.NoError(t, err)
	c := a.client(t, link.Host)
	require.Equal(t, http.StatusOK, c.get(path).StatusCode, "both are open")
	require.Equal(t, http.StatusSeeOther, c.post(link.Path, "name", "Olga", "email", "other@example.com", "password", "a long password").StatusCode)
	members := c.get("/members").body
	assert.Contains(t, members, "olga@example.com", "an invitation stays bound to its address")
	assert.NotContains(t, members, "other@example.com")
	assert.NotContains(t, members, "Open invitations")
	assert.Equal(t, http.StatusNotFound, c.get(path).StatusCode)
	assert.Equal(t, http.StatusNotFound, c.post(path, "name", "Eve", "email", "eve@example.com", "password", "a long password").StatusCode)
}

func TestNeitherTheDemoNorTenantsGetAFirstLink(t *testing.T) {
	postgres, env := alone(t)
	env["DEMO_TENANT"] = "main"
	_, path := firstLink(t, postgres, env)
	assert.Empty(t, path)
	a := start(t)
	server.InviteFirst(a.Server, context.Background())
	assert.NotContains(t, a.log.String(), "first account")
}

// A reverse proxy such as Caddy keeps the host, and adds X-Forwarded-For, -Proto and -Host.
func TestBehindAProxyPublicURLDecidesWhatLinksAndCookiesSay(t *testing.T) {
	for public, strict := range map[string]string{"https://localhost": "", "https://hq.localhost:8443": "", "https://example.com:8443": "max-age=31536000"} {
		t.Run(public, func(t *testing.T) {
			postgres, env := alone(t)
			env["PUBLIC_URL"] = public
			a := launch(t, postgres, env)
			inner := httptest.NewServer(a.Server)
			t.Cleanup(inner.Close)
			target, err := url.Parse(inner.URL)
			require.NoError(t, err)
			a.listener = httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.SetXForwarded()
				r.Out.Host = r.In.Host
			}})
			t.Cleanup(a.listener.Close)
			var out strings.Builder
			require.NoError(t, a.PrintInvitation(context.Background(), &out, "olga@example.com", ""))
			path, found := strings.CutPrefix(strings.TrimSpace(out.String()), public)
			require.True(t, found, out.String())

			c := a.client(t, strings.TrimPrefix(public, "https://"))
			c.header.Set("X-Forwarded-Host", "evil.example")
			c.header.Set("Origin", public) // a browser without Sec-Fetch-Site
			joined := c.post(path, "name", "Olga", "password", "a long password")
			require.Equal(t, http.StatusSeeOther, joined.StatusCode, joined.body)
			assert.Equal(t, "/runs", joined.Header.Get("Location"))
			assert.Equal(t, strict, joined.Header.Get("Strict-Transport-Security"))
			cookie := joined.Cookies()[0]
			assert.True(t, cookie.Secure && cookie.HttpOnly && cookie.Domain == "" && cookie.Path == "/", cookie)
			runs := c.get("/runs")
			assert.Contains(t, runs.body, public+"/api/v1/runs")
			assert.NotContains(t, runs.body, "evil.example")
			assert.Equal(t, http.StatusNotFound, c.get("/metrics").StatusCode)
			c.header.Set("Origin", "https://evil.example")
			assert.Equal(t, http.StatusForbidden, c.post("/sign-out").StatusCode)
		})
	}
}

func TestAnAddressAtWhichNobodyCanSignInGetsAWarning(t *testing.T) {
	for public, warned := range map[string]bool{
		"http://192.168.1.5:9898": true, "http://example.com": true,
		"http://localhost:9898": false, "http://127.0.0.1": false, "http://[::1]": false, "http://hq.localhost": false, "https://192.168.1.5": false,
	} {
		c, err := config.Load(map[string]string{"DATABASE_URL": "postgresql://localhost:1/none", "PUBLIC_URL": public})
		require.NoError(t, err)
		var log lines
		s, err := server.New(c, "1.2.3", slog.New(slog.NewJSONHandler(&log, nil)))
		require.NoError(t, err)
		server.WarnOfHTTP(s)
		assert.Equal(t, warned, strings.Contains(log.String(), "nobody can sign in"), public)
		require.NoError(t, s.Close())
	}
}
