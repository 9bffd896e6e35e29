package server_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/server"
)

// openAPI is the description of the API. The values of its "$ref" keys are resolved by follow.
var openAPI = sync.OnceValue(func() object {
	var doc object
	text, err := os.ReadFile("../api/openapi.json")
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		panic(err)
	}
	return doc
})

// follow returns the value at a path of keys.
func follow(at object, path ...string) object {
	for _, key := range path {
		at, _ = at[key].(object)
		if ref, ok := at["$ref"].(string); ok {
			at = follow(openAPI(), strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return at
}

// operation returns the path of the description that an address belongs to, and what it says about the
// method. Both are empty if the API has no such call.
func operation(method, address string) (path string, described object) {
	address, _, _ = strings.Cut(address, "?")
	for path := range follow(openAPI(), "paths") {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(path), `\{id\}`, "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(address) {
			return path, follow(openAPI(), "paths", path, strings.ToLower(method))
		}
	}
	return "", nil
}

// described fails the test if the API's description lacks the status or a field of a response.
func described(t *testing.T, method, address string, r response) {
	t.Helper()
	path, call := operation(method, address)
	if call == nil {
		return
	}
	is := method + " " + path + " " + strconv.Itoa(r.StatusCode)
	answer := follow(call, "responses", strconv.Itoa(r.StatusCode))
	for _, name := range []string{"RateLimit", "RateLimit-Policy", "Retry-After", "Idempotency-Replayed", "WWW-Authenticate"} {
		if r.Header.Get(name) != "" {
			assert.NotEmpty(t, follow(answer, "headers", name), "the description lacks the header %s of %s", name, is)
		}
	}
	if later := r.StatusCode == http.StatusTooManyRequests; later || r.StatusCode < 300 {
		assert.NotEmpty(t, r.Header.Get("RateLimit"), is)
		assert.NotEmpty(t, r.Header.Get("RateLimit-Policy"), is)
		assert.Equal(t, later, r.Header.Get("Retry-After") != "", is)
	}
	content := follow(answer, "content")
	if !assert.NotEmpty(t, content, "the description lacks %s: %s", is, r.body) {
		return
	}
	kind := r.Header.Get("Content-Type")
	if !assert.Contains(t, content, kind, is) {
		return
	}
	s, body := follow(content, kind, "schema"), decode(t, r)
	known := slices.Collect(maps.Keys(follow(s, "properties")))
	assert.Subset(t, known, slices.Collect(maps.Keys(body)), is)
	for _, name := range s["required"].([]any) {
		assert.Contains(t, body, name, is)
	}
}

func TestTheDescriptionIsServedAndItsReferencesExist(t *testing.T) {
	a := start(t)
	r := a.client(t, "acme.hq.test").get("/api/openapi.json")
	require.Equal(t, http.StatusOK, r.StatusCode)
	assert.Equal(t, openAPI(), decode(t, r))
	assert.Equal(t, "3.1.0", openAPI()["openapi"])
	for _, ref := range regexp.MustCompile(`"\$ref": "#/([^"]+)"`).FindAllStringSubmatch(r.body, -1) {
		assert.NotNil(t, follow(openAPI(), strings.Split(ref[1], "/")...), ref[1])
	}
}

// Each call of the API is made in each way that the description has a status for.
func TestEachCallAnswersWithEachStatusOfItsDescriptionAndNoOther(t *testing.T) {
	a := start(t)
	agent := a.agent(t, a.visitor(t))
	calls := []struct{ method, path, body string }{
		{"POST", "/api/v1/runs", `{"agent":"a","title":"t"}`},
		{"GET", "/api/v1/runs/ID", ""},
		{"POST", "/api/v1/runs/ID/events", `{"events":[{"kind":"log","message":"m"}]}`},
		{"PATCH", "/api/v1/runs/ID", `{"status":"failed"}`},
	}
	open, ended, unknown := agent.newRun("Open"), agent.newRun("Ended"), "00000000-0000-0000-0000-000000000000"
	require.Equal(t, http.StatusOK, agent.json("PATCH", "/api/v1/runs/"+ended, object{"status": "succeeded"}).StatusCode)
	limited := a.client(t, "acme.hq.test")
	limited.header.Set("Authorization", "Bearer not-a-key")

	seen := map[string]map[int]bool{}
	for _, c := range calls {
		call, _ := operation(c.method, c.path)
		call = c.method + " " + call
		seen[call] = map[int]bool{}
		send := func(from *client, id, kind, body string) int {
			r := from.send(c.method, strings.ReplaceAll(c.path, "ID", id), kind, body)
			seen[call][r.StatusCode] = true
			return r.StatusCode
		}
		const kind = "application/json"
		send(agent, unknown, kind, c.body)
		send(agent, ended, kind, c.body)
		send(a.client(t, "acme.hq.test"), open, kind, c.body)
		agent.header.Set("Idempotency-Key", "once "+call)
		send(agent, open, kind, c.body)
		send(agent, open, kind, c.body)
		agent.header.Del("Idempotency-Key")
		send(agent, open, kind, "{}")
		send(agent, open, kind, "{")
		send(agent, open, kind, strings.Repeat("x", 300_000))
		send(agent, open, "text/plain", c.body)
		agent.header.Set("Idempotency-Key", strings.Repeat("x", 201))
		send(agent, open, kind, c.body)
		agent.header.Del("Idempotency-Key")
		for range 1000 {
			if send(limited, open, kind, c.body) == http.StatusTooManyRequests {
				break
			}
		}
	}
	every := func() {
		id := open
		for _, c := range calls {
			path, _ := operation(c.method, c.path)
			r := agent.send(c.method, strings.ReplaceAll(c.path, "ID", id), "application/json", c.body)
			seen[c.method+" "+path][r.StatusCode] = true
		}
	}
	a.postgres.Run(t, "UPDATE tenant_acme.runs SET status = 'running' WHERE id = '"+open+"'")
	a.suspendWrites(t, "acme")
	every()
	a.postgres.Run(t, "ALTER ROLE tenant_acme NOLOGIN", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tenant_acme'")
	every()
	a.postgres.Suspend(t, "acme")
	server.Reload(a.Server, context.Background())
	every()
	for call, statuses := range seen {
		method, path, _ := strings.Cut(call, " ")
		var want []int
		for status := range follow(openAPI(), "paths", path, strings.ToLower(method), "responses") {
			n, err := strconv.Atoi(status)
			require.NoError(t, err)
			want = append(want, n)
		}
		assert.ElementsMatch(t, want, slices.Collect(maps.Keys(statuses)), call)
	}
}
