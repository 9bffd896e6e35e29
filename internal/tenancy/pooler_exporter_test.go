package tenancy_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

// scrape returns the metrics of an exporter, or nothing if it does not answer.
func scrape(port int) string {
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return ""
	}
	return string(text)
}

func TestPoolerExporterHasTheDashboardsMetricsAndNeedsNoPassword(t *testing.T) {
	t.Parallel()
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	p := newPooler(t, b, declared)
	port := p.StartExporter(t, func(listen int) []string { return tenancy.PoolerExporter(p.SocketFolder, p.Port, listen) })
	conn := postgrestest.Connect(t, p.url(t, declared[0]))
	var told string
	// An idle transaction is ended after 5 s, so the exporter has to run before it starts.
	require.Eventually(t, func() bool {
		told = scrape(port)
		return strings.Contains(told, "pgbouncer_up 1")
	}, 20*time.Second, 50*time.Millisecond)
	run(t, conn, "BEGIN; SELECT 1")
	told = scrape(port)
	for _, metric := range workload.PoolerMetrics() {
		assert.Contains(t, told, "\n"+metric+"{", metric)
	}
	assert.Contains(t, told, workload.PoolerBusy+`{database="app",user="tenant_acme"} 1`)
	assert.Regexp(t, workload.PoolerOpen+`{[^}]*name="app"[^}]*} 1\n`, told)
	files, err := os.ReadDir(p.SocketFolder)
	require.NoError(t, err)
	require.Len(t, files, 1, "the exporter can read this folder, so it must contain only the socket")
	assert.Equal(t, os.ModeSocket, files[0].Type())
	assert.Regexp(t, workload.PoolerLimit+fmt.Sprintf(`{[^}]*name="app"[^}]*} %d\n`, poolSize), told)
}
