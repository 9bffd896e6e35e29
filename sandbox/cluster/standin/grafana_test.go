package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIndexLinksEachQueryOfEachPanel(t *testing.T) {
	folder := t.TempDir()
	const board = `{"title": "Platform", "panels": [{"title": "Requests <b>", "targets": [{"expr": "sum(rate(x{job=\"app\"}[5m]))"}, {"expr": "up"}]}]}`
	require.NoError(t, os.WriteFile(filepath.Join(folder, "platform.json"), []byte(board), 0o600))
	page := string(index("http://localhost:9428", folder))
	assert.Contains(t, page, "<h2>Platform</h2>")
	assert.Contains(t, page, `href="http://localhost:9428/vmui/#/?g0.range_input=30m&amp;g0.expr=sum%28rate%28x%7Bjob%3D%22app%22%7D%5B5m%5D%29%29"`)
	assert.Contains(t, page, "g0.expr=up")
	assert.Contains(t, page, "Requests &lt;b&gt;")
}

func TestIndexShowsWhichFileCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "broken.json"), []byte("{"), 0o600))
	assert.Contains(t, string(index("http://localhost:9428", folder)), "broken.json: unexpected end of JSON input")
}
