package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeK6 writes a program that behaves like k6: a shell script. It finds the environment in env.
func fakeK6(t *testing.T, script string) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "k6")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755))
	return Options{K6: path, Script: "people.js", People: 7, Duration: 90 * time.Second, Think: 500 * time.Millisecond}
}

func TestRunGivesSecretsToK6InAFileOnly(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("FOLDER", folder)
	o := fakeK6(t, `cp "$TARGETS" "$FOLDER/targets"; stat -c %a "$TARGETS" > "$FOLDER/mode"; env > "$FOLDER/env"; echo "$@" > "$FOLDER/args"; echo '{"people":7}' > "$SUMMARY"`)
	o.Network, o.LocalIPs = Network{Address: "127.0.0.1", CA: "/ca.crt"}, "127.0.1.0/24"
	s, err := Run(context.Background(), o, []Target{{URL: "https://acme.test", Email: "a@b.c", Password: "a-password", Keys: []string{"ahq_key"}}})
	require.NoError(t, err)
	assert.Equal(t, 7, s.People)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		return string(text)
	}
	assert.JSONEq(t, `[{"url":"https://acme.test","email":"a@b.c","password":"a-password","keys":["ahq_key"]}]`, read("targets"))
	assert.Equal(t, "600\n", read("mode"))
	assert.NotContains(t, read("env")+read("args"), "a-password")
	assert.NotContains(t, read("env")+read("args"), "ahq_key")
	for _, line := range []string{"PEOPLE=7", "DURATION=90", "RAMP=0", "THINK=0.5", "RESOLVE=127.0.0.1", "SSL_CERT_FILE=/ca.crt"} {
		assert.Contains(t, read("env"), line+"\n")
	}
	assert.Contains(t, read("args"), "--local-ips 127.0.1.0/24 people.js")
}

func TestRunReturnsTheSummaryWhenAThresholdWasNotKept(t *testing.T) {
	s, err := Run(context.Background(), fakeK6(t, `echo '{"people":7,"pages":[{"page":"run","requests":3,"failures":1}]}' > "$SUMMARY"; exit 99`), nil)
	require.NoError(t, err)
	assert.ErrorContains(t, s.Check(), "run: 1 of 3 requests failed")
}

func TestRunReturnsWhatK6PrintedWhenItDidNotStart(t *testing.T) {
	_, err := Run(context.Background(), fakeK6(t, `echo "a SyntaxError" >&2; exit 107`), nil)
	assert.ErrorContains(t, err, "a SyntaxError")
	_, err = Run(context.Background(), fakeK6(t, `exit 0`), nil)
	assert.ErrorContains(t, err, "no summary")
}

func TestCheckNamesEverythingThatMissesTheGoal(t *testing.T) {
	good := Summary{P95People: 299, P95Agents: 10, Pages: []Page{{Page: "run", Requests: 5, Limited: 2}}}
	require.NoError(t, good.Check())
	bad := Summary{P95People: 300, P95Agents: 1000, Total: Page{Failures: 3}, Pages: []Page{{Page: "run", Requests: 5, Failures: 1}, {Page: "costs"}}}
	err := bad.Check()
	for _, text := range []string{"people: p95 is 300 ms", "agents: p95 is 1000 ms", "run: 1 of 5", "people.js failed 2 times", "costs: no request"} {
		assert.ErrorContains(t, err, text)
	}
}

// team answers as AgentHQ does. Each API request is over the rate limit once.
type team struct {
	mu     sync.Mutex
	calls  map[string]int
	older  bool
	tokens int
}

func (f *team) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := r.Method + " " + r.URL.Path
	f.calls[key]++
	_, err := r.Cookie("session")
	signedIn := err == nil
	switch {
	case key == "POST /sign-in" && r.FormValue("password") == "right":
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "x", Path: "/"})
		w.WriteHeader(http.StatusSeeOther)
	case key == "POST /sign-in":
		w.WriteHeader(http.StatusUnauthorized)
	case strings.HasPrefix(r.URL.Path, "/api/") && r.Header.Get("Authorization") == "Bearer ahq_1_secret":
		f.api(w, r, key)
	case !signedIn:
		w.WriteHeader(http.StatusForbidden)
	case key == "POST /keys":
		f.tokens++
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `<code id="new-key">ahq_%d_secret</code>`, f.tokens)
	case key == "GET /runs" && f.older:
		fmt.Fprint(w, `<a href="/runs?before=1">Older runs</a>`)
	case key == "GET /runs":
	default: // revoke a key, sign out
		w.WriteHeader(http.StatusSeeOther)
	}
}

func (f *team) api(w http.ResponseWriter, r *http.Request, key string) {
	switch {
	case f.calls[key] == 1:
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	case r.Method == http.MethodPatch:
		_ = json.NewEncoder(w).Encode(map[string]string{"id": "7"})
	default:
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]string{"id": "7"})
	}
}

func TestPrepareCreatesKeysAndSampleRunsAndRevokesTheKeys(t *testing.T) {
	f := &team{calls: map[string]int{}}
	server := httptest.NewServer(f)
	defer server.Close()
	targets, revoke, err := Prepare(context.Background(), Network{}, []Tenant{{URL: server.URL, Email: "a@b.c", Password: "right", Agents: 2}})
	require.NoError(t, err)
	assert.Equal(t, []Target{{URL: server.URL, Email: "a@b.c", Password: "right", Keys: []string{"ahq_1_secret", "ahq_2_secret"}}}, targets)
	assert.Equal(t, sampleRuns+1, f.calls["POST /api/v1/runs"], "the request over the rate limit was sent again")
	require.NoError(t, revoke(context.Background()))
	assert.Equal(t, 1, f.calls["POST /keys/1/revoke"])
	assert.Equal(t, 1, f.calls["POST /keys/2/revoke"])
	assert.Equal(t, 1, f.calls["POST /sign-out"])
}

func TestPrepareReportsNoRunsToATeamThatHasSome(t *testing.T) {
	f := &team{calls: map[string]int{}, older: true}
	server := httptest.NewServer(f)
	defer server.Close()
	_, _, err := Prepare(context.Background(), Network{}, []Tenant{{URL: server.URL, Password: "right", Agents: 1}})
	require.NoError(t, err)
	assert.Zero(t, f.calls["POST /api/v1/runs"])
}

func TestPrepareNamesTheTeamThatCannotBePrepared(t *testing.T) {
	server := httptest.NewServer(&team{calls: map[string]int{}})
	_, _, err := Prepare(context.Background(), Network{}, []Tenant{{URL: server.URL, Password: "wrong"}})
	require.ErrorContains(t, err, server.URL+": POST /sign-in: 401")
	server.Close()
	_, _, err = Prepare(context.Background(), Network{}, []Tenant{{URL: server.URL, Invitation: "/invitations/secret-token"}})
	require.ErrorContains(t, err, "POST /invitations/…")
	assert.NotContains(t, err.Error(), "secret-token")
}
