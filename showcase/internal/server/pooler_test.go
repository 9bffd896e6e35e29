package server_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/server"
)

// max_prepared_statements is 0 in this pooler, so a statement that is prepared by name would fail.
func TestPagesAndAPIWorkThroughAPoolerInTransactionMode(t *testing.T) {
	a := start(t)
	a.postgres.Pool(t)
	server.Reload(a.Server, context.Background())
	member := a.visitor(t)
	agent := a.agent(t, member)
	id := agent.newRun("Pooled")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				batch := object{"events": []any{object{"kind": "log", "message": "x", "tokens": 1, "data": object{"a": 1}}}}
				assert.Equal(t, http.StatusCreated, agent.json("POST", "/api/v1/runs/"+id+"/events", batch).StatusCode)
				for _, path := range []string{"/runs?q=pooled", "/runs/" + id, "/costs", "/usage", "/export/runs.csv", "/members"} {
					assert.Equal(t, http.StatusOK, member.get(path).StatusCode, path)
				}
			}
		})
	}
	all.Wait()
	r := agent.json("PATCH", "/api/v1/runs/"+id, object{"status": "succeeded"})
	require.Equal(t, http.StatusOK, r.StatusCode, r.body)
	assert.InDelta(t, 40, decode(t, r)["events"], 0)
	assert.InDelta(t, 40, decode(t, r)["tokens"], 0)
}
