package server_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestExportsHaveTheFilterOfTheList(t *testing.T) {
	c := start(t).visitor(t)
	r := c.get("/export/runs.csv?status=failed")
	assert.Equal(t, `attachment; filename="runs.csv"`, r.Header.Get("Content-Disposition"))
	rows, err := csv.NewReader(strings.NewReader(r.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 3)
	assert.Equal(t, "cost_usd", rows[0][6])
	assert.Equal(t, "failed", rows[1][4])
	assert.JSONEq(t, "[]", c.get("/export/runs.json?q=nothing-has-this").body)
	assert.Equal(t, http.StatusNotFound, c.get("/export/runs.xml").StatusCode)
}

func TestALargeExportEndsWhereThePageSaysThatItDoes(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	a.postgres.Run(t, "INSERT INTO tenant_beta.runs (agent, title, started_at) SELECT 'a', 'number ' || n, '2026-01-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 20003) n")
	assert.Contains(t, c.get("/runs").body, "An export has at most 20,000 runs, the newest ones.")
	rows, err := csv.NewReader(strings.NewReader(c.get("/export/runs.csv").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 20_001)
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		assert.False(t, seen[row[2]], row)
		seen[row[2]] = true
	}
	assert.Equal(t, "number 20003", rows[1][2], "the newest is the first")
	assert.Equal(t, "number 4", rows[20_000][2])
}

func TestAFormulaInAnExportIsText(t *testing.T) {
	a := start(t)
	c := a.owner(t)
	agent := a.agent(t, c)
	evil := `=HYPERLINK("https://evil.example")`
	run := decode(t, agent.json("POST", "/api/v1/runs", object{"agent": evil, "title": evil, "model": evil}))
	require.Equal(t, http.StatusOK, agent.json("PATCH", "/api/v1/runs/"+run["id"].(string), object{"status": "failed", "error": evil}).StatusCode)
	rows, err := csv.NewReader(strings.NewReader(c.get("/export/runs.csv").body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for i, cell := range rows[1] {
		assert.NotRegexp(t, `^[=+\-@\t\r]`, cell, rows[0][i])
	}
	assert.Equal(t, 4, strings.Count(strings.Join(rows[1], ","), "'=HYPERLINK"))
}
