package load_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/load"
)

// faultyApp has pages like AgentHQ's. /usage fails, and /members is over a rate limit. A live
// stream breaks off once, as in an update of the app. The first request of an agent is over a
// rate limit.
type faultyApp struct {
	mu sync.Mutex
	// streams are the queries of the live streams, and keys the idempotency keys of new runs.
	streams, keys []string
}

const runID = "00000000-0000-0000-0000-000000000001"

func (a *faultyApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pages := map[string]string{
		"GET /sign-in":                `<link href="/static/style.css"><input name="password">`,
		"GET /static/style.css":       "body {}",
		"GET /runs":                   `<h1>Runs</h1><a href="/runs/` + runID + `">A run</a> <a class="button" href="/runs?q=&amp;before=x">Older runs</a>`,
		"GET /runs/" + runID:          `<h2>Timeline</h2><p data-stream="/runs/` + runID + `/stream?after=3">`,
		"GET /costs":                  "<svg></svg>",
		"GET /keys":                   "<h1>API keys</h1>",
		"GET /export/runs.csv":        "id,agent,title\n1,a,„b“ 😀\n",
		"POST /api/v1/runs":           `{"id":"` + runID + `"}`,
		"PATCH /api/v1/runs/" + runID: `{}`,
	}
	key := r.Method + " " + r.URL.Path
	text, known := pages[key]
	switch {
	case key == "GET /runs/"+runID+"/stream":
		a.streams = append(a.streams, r.URL.RawQuery)
		text = "id: 5\nevent: entry\ndata: x\n\n"
		if r.URL.RawQuery == "after=5" {
			text = "event: end\ndata: succeeded\n\n"
		}
	case key == "GET /members":
		w.WriteHeader(http.StatusTooManyRequests)
	case key == "GET /usage":
		w.WriteHeader(http.StatusInternalServerError)
	case key == "POST /api/v1/runs":
		a.keys = append(a.keys, r.Header.Get("Idempotency-Key"))
		if len(a.keys) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.WriteHeader(http.StatusCreated)
	case key == "POST /api/v1/runs/"+runID+"/events":
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPost: // a form
		w.WriteHeader(http.StatusSeeOther)
	case !known:
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprint(w, text)
}

func TestTheScenarioTellsFailuresFromRateLimitsAndReconnectsStreams(t *testing.T) {
	k6, err := build.K6(root(t), os.Stderr)
	require.NoError(t, err)
	a := &faultyApp{}
	server := httptest.NewServer(a)
	defer server.Close()
	s, err := load.Run(context.Background(), load.Options{K6: k6, Script: "people.js", People: 2, Duration: 12 * time.Second, Think: 100 * time.Millisecond},
		[]load.Target{{URL: server.URL, Email: "a@b.c", Password: "x", Keys: []string{"ahq_x"}}})
	require.NoError(t, err)
	pages := map[string]load.Page{}
	for _, p := range s.Pages {
		pages[p.Page] = p
		assert.Positive(t, p.Requests, p.Page)
		if p.Page != "usage" {
			assert.Zero(t, p.Failures, p.Page)
		}
	}
	assert.Equal(t, pages["usage"].Requests, pages["usage"].Failures)
	assert.Equal(t, pages["members"].Requests, pages["members"].Limited)
	assert.Equal(t, pages["members"].Limited+1, s.Total.Limited)
	require.ErrorContains(t, s.Check(), "usage: ")
	assert.InDelta(t, len("id,agent,title\n1,a,„b“ 😀\n"), pages["export"].Bytes, 0.01, "bytes, not characters")
	assert.Equal(t, 2, pages["assets"].Requests, "a browser loads a file once")

	a.mu.Lock()
	defer a.mu.Unlock()
	require.Greater(t, len(a.keys), 1)
	assert.Equal(t, a.keys[0], a.keys[1], "the same request again")
	assert.Contains(t, a.streams, "after=3")
	assert.Contains(t, a.streams, "after=5")
}
