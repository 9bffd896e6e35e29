package browser

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Agent uses the API with a key.
type Agent struct {
	*Browser
	t   testing.TB
	key string
}

// Send sends a request, and returns the status and the id of the response.
func (a Agent) Send(method, path string, body any) (status int, id string) {
	a.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(a.t, err)
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.URL+"/api/v1/"+path, bytes.NewReader(text))
	require.NoError(a.t, err)
	r.Header.Set("Authorization", "Bearer "+a.key)
	r.Header.Set("Content-Type", "application/json")
	got, err := a.agent.Do(r)
	require.NoError(a.t, err)
	defer func() { _ = got.Body.Close() }() // it was read
	var answer struct{ ID string }
	require.NoError(a.t, json.NewDecoder(got.Body).Decode(&answer), "%s %s", method, path)
	return got.StatusCode, answer.ID
}

// Start starts a run, and returns its id.
func (a Agent) Start(title string) string {
	a.t.Helper()
	status, id := a.Send(http.MethodPost, "runs", map[string]string{"agent": "browser-test", "title": title})
	require.Equal(a.t, http.StatusCreated, status)
	return id
}

// Log adds events to a run.
func (a Agent) Log(run string, messages ...string) {
	a.t.Helper()
	events := []map[string]any{}
	for _, m := range messages {
		events = append(events, map[string]any{"kind": "log", "message": m, "cost_microusd": 1200})
	}
	status, _ := a.Send(http.MethodPost, "runs/"+run+"/events", map[string]any{"events": events})
	require.Less(a.t, status, 300)
}

// Finish ends a run.
func (a Agent) Finish(run, result string) {
	a.t.Helper()
	status, _ := a.Send(http.MethodPatch, "runs/"+run, map[string]string{"status": result})
	require.Equal(a.t, http.StatusOK, status)
}
