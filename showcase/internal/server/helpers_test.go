package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/config"
	"github.com/genericcorp/platform/showcase/internal/demo"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
	"github.com/genericcorp/platform/showcase/internal/server"
)

// app is AgentHQ with the tenants acme, which is the demo, and beta.
type app struct {
	*server.Server
	postgres *pgtest.Server
	listener *httptest.Server
	log      *lines
}

// lines is a log that a test can read while the server writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func start(t *testing.T) *app {
	t.Helper()
	postgres := pgtest.Start(t, "acme", "beta")
	return launch(t, postgres, map[string]string{"DATABASE_URL": postgres.AppURL(), "TENANTS_DIR": postgres.Folder, "PUBLIC_URL": "https://" + pgtest.Domain, "DEMO_TENANT": "acme"})
}

// launch starts AgentHQ with a configuration.
func launch(t *testing.T, postgres *pgtest.Server, env map[string]string) *app {
	t.Helper()
	a := &app{postgres: postgres, log: &lines{}}
	c, err := config.Load(env)
	require.NoError(t, err)
	a.Server, err = server.New(c, "1.2.3", slog.New(slog.NewJSONHandler(a.log, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	a.listener = httptest.NewTLSServer(a.Server)
	t.Cleanup(a.listener.Close)
	for _, state := range a.Migrate(context.Background()) {
		require.Empty(t, state.Fault)
	}
	server.RefreshDemo(a.Server, context.Background())
	return a
}

// client is a browser, or an agent, that reaches every host at the test's server.
type client struct {
	t    *testing.T
	http *http.Client
	host string
	// header is sent with every request.
	header http.Header
}

func (a *app) client(t *testing.T, host string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := a.listener.Client().Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, a.listener.Listener.Addr().String())
	}
	t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{t, &http.Client{Transport: transport, Jar: jar, CheckRedirect: stay}, host, http.Header{}}
}

// response is a response with its whole body.
type response struct {
	*http.Response
	body string
}

func (c *client) send(method, path, kind, body string) response {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "https://"+c.host+path, strings.NewReader(body))
	require.NoError(c.t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	got, err := c.http.Do(r)
	require.NoError(c.t, err)
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	require.NoError(c.t, err)
	all := response{got, string(text)}
	described(c.t, method, path, all)
	return all
}

func (c *client) get(path string) response { c.t.Helper(); return c.send("GET", path, "", "") }

func (c *client) post(path string, fields ...string) response {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.send("POST", path, "application/x-www-form-urlencoded", form.Encode())
}

func (c *client) json(method, path string, body any) response {
	c.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(c.t, err)
	return c.send(method, path, "application/json", string(text))
}

func (c *client) signIn(email, password string) response {
	c.t.Helper()
	return c.post("/sign-in", "email", email, "password", password)
}

// visitor is signed in at the demo.
func (a *app) visitor(t *testing.T) *client {
	t.Helper()
	c := a.client(t, "acme."+pgtest.Domain)
	require.Equal(t, http.StatusSeeOther, c.signIn(demo.Email, demo.Password).StatusCode)
	return c
}

var (
	linkText = regexp.MustCompile(`id="link">https://[^/]+([^<]+)<`)
	keyText  = regexp.MustCompile(`id="new-key">(ahq_[^<]+)<`)
)

// owner returns the browser of beta's owner.
func (a *app) owner(t *testing.T) *client { t.Helper(); return a.joined(t, "beta") }

// joined joins a tenant by the operator's command, and returns the owner's browser.
func (a *app) joined(t *testing.T, tenant string) *client {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, a.PrintInvitation(context.Background(), &out, "olga@example.com", tenant))
	a.Migrate(context.Background()) // the command has migrated its tenant only, as in a process of its own
	link, err := url.Parse(strings.TrimSpace(out.String()))
	require.NoError(t, err)
	c := a.client(t, link.Host)
	require.Equal(t, http.StatusSeeOther, c.post(link.Path, "name", "Olga", "password", "a long password").StatusCode)
	return c
}

// agent returns a client with a new API key of a signed-in member.
func (a *app) agent(t *testing.T, member *client) *client {
	t.Helper()
	r := member.post("/keys", "name", "test")
	require.Equal(t, http.StatusCreated, r.StatusCode, r.body)
	match := keyText.FindStringSubmatch(r.body)
	require.NotNil(t, match, r.body)
	c := a.client(t, member.host)
	c.header.Set("Authorization", "Bearer "+match[1])
	return c
}

// keyID returns the public part of an agent's API key.
func keyID(t *testing.T, agent *client) string {
	t.Helper()
	match := regexp.MustCompile(`ahq_([0-9a-f]{12})_`).FindStringSubmatch(agent.header.Get("Authorization"))
	require.NotNil(t, match)
	return match[1]
}

// newRun creates a run, and returns its ID.
func (c *client) newRun(title string) string {
	c.t.Helper()
	r := c.json("POST", "/api/v1/runs", map[string]any{"agent": "writer", "title": title})
	require.Equal(c.t, http.StatusCreated, r.StatusCode, r.body)
	var run struct{ ID string }
	require.NoError(c.t, json.Unmarshal([]byte(r.body), &run))
	return run.ID
}

func replaceOnce(t *testing.T, text, old, replacement string) string {
	t.Helper()
	require.Equal(t, 1, strings.Count(text, old))
	return strings.Replace(text, old, replacement, 1)
}
