package tenancy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/postgrestest"
	"github.com/genericcorp/platform/internal/tenancy"
)

func TestPoolerExporterTellsWhatTheDashboardShowsWithoutAPassword(t *testing.T) {
	b := newBed(t, 0)
	declared := named("acme")
	b.must(t, declared)
	p := newPooler(t, b, declared)
	conn := postgrestest.Connect(t, p.url(t, declared[0]))
	run(t, conn, "BEGIN") // it is ended after 5 s
	port := p.StartExporter(t, func(listen int) []string { return tenancy.PoolerExporter(p.RunFolder, p.Port, listen) })

	var told string
	require.Eventually(t, func() bool {
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		told = string(text)
		return err == nil && strings.Contains(told, "pgbouncer_up 1")
	}, 20*time.Second, 50*time.Millisecond)
	for _, metric := range tenancy.PoolerMetrics() {
		assert.Contains(t, told, "\n"+metric+"{", metric)
	}
	assert.Contains(t, told, tenancy.PoolerBusy+`{database="app",user="tenant_acme"} 1`)
	assert.Regexp(t, tenancy.PoolerOpen+`{[^}]*name="app"[^}]*} 1\n`, told)
	assert.Regexp(t, tenancy.PoolerLimit+fmt.Sprintf(`{[^}]*name="app"[^}]*} %d\n`, poolSize), told)
}
