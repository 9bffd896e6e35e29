package load

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func run(people, replicas, requests int, personSeconds, cpu, mebibytes float64) Measurement {
	return Measurement{
		Summary: Summary{People: people, PersonSeconds: personSeconds, ReceivedBytes: 4000 * float64(requests), Total: Page{Requests: requests}},
		Usage:   Usage{Replicas: replicas, CPUSeconds: cpu, PeakBytes: mebibytes * (1 << 20), Connections: people / 50},
	}
}

func TestFactorsAreTheHighestOfAllRuns(t *testing.T) {
	f, err := FactorsOf([]Measurement{
		run(100, 1, 2000, 10_000, 8, 50),    // 0.2 requests a second, 4 ms
		run(200, 1, 4200, 20_000, 25.2, 70), // 0.21 requests a second, 6 ms
	})
	require.NoError(t, err)
	assert.Equal(t, Factors{RequestsPerUserMilli: 210, MilliCPUPerRequest: 6, BaseMiB: 30, KiBPerUser: 205, Connections: 4, BytesPerResponse: 4000}, f)
}

func TestFactorsCountThePeopleOfOneReplica(t *testing.T) {
	f, err := FactorsOf([]Measurement{run(200, 2, 1000, 1000, 1, 50), run(400, 2, 1000, 1000, 1, 60)})
	require.NoError(t, err)
	assert.Equal(t, 40, f.BaseMiB)
	assert.Equal(t, 103, f.KiBPerUser, "10 MiB for 100 people")
}

func TestNoRunIsAboveTheLineOfTheMemory(t *testing.T) {
	points := []point{{100, 50 << 20}, {200, 90 << 20}, {400, 80 << 20}}
	base, slope, err := memoryLine(points)
	require.NoError(t, err)
	assert.Positive(t, slope)
	on := 0
	for _, p := range points {
		assert.LessOrEqual(t, p.bytes, base+slope*p.people+1)
		if p.bytes > base+slope*p.people-1 {
			on++
		}
	}
	assert.Equal(t, 1, on, "the line is as low as it can be")
}

func TestLessMemoryWithMorePeopleIsNoGrowth(t *testing.T) {
	base, slope, err := memoryLine([]point{{100, 60}, {200, 50}})
	require.NoError(t, err)
	assert.Zero(t, slope)
	assert.InDelta(t, 60, base, 0)
}

func TestFactorsNeedTwoNumbersOfPeople(t *testing.T) {
	_, err := FactorsOf([]Measurement{run(100, 1, 10, 10, 1, 50), run(100, 1, 10, 10, 1, 60)})
	require.ErrorContains(t, err, "two different numbers of people")
	_, err = FactorsOf([]Measurement{run(100, 1, 0, 10, 1, 50), run(200, 1, 10, 10, 1, 60)})
	assert.ErrorContains(t, err, "the run with 100 people")
}

// replica returns the metrics of a process whose CPU time grows by a second with each request.
func replica(t *testing.T, mebibytes, connections int) string {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := requests.Add(1)
		fmt.Fprintf(w, "# HELP process_cpu_seconds_total Total.\nprocess_cpu_seconds_total %d\nprocess_resident_memory_bytes %de+00\n", n, mebibytes<<20)
		fmt.Fprintf(w, "app_db_connections{tenant=\"a } b\",state=\"idle\"} %d\napp_db_connections{tenant=\"b\",state=\"used\"} 1\nother_total 9\n", connections-int(n)%2)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestWatchReturnsTheCPUAndThePeaksOfAllReplicas(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	u, err := Watch(ctx, []string{replica(t, 40, 3), replica(t, 50, 5)}, 20*time.Millisecond)
	require.NoError(t, err)
	assert.Equal(t, 2, u.Replicas)
	assert.Greater(t, u.CPUSeconds, 2.0, "two seconds with each further look")
	assert.InDelta(t, 50<<20, u.PeakBytes, 0)
	assert.Equal(t, 10, u.Connections)
}

func TestWatchFailsWhenAReplicaDoesNotAnswer(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, err := Watch(context.Background(), []string{server.URL}, time.Second)
	assert.ErrorContains(t, err, "404")
	_, err = parseMetrics(strings.NewReader("process_cpu_seconds_total many\n"))
	assert.ErrorContains(t, err, "process_cpu_seconds_total")
}

func TestTheTableHasALineForEachPage(t *testing.T) {
	m := run(100, 2, 2000, 10_000, 8, 50)
	m.Agents, m.P95People, m.P95Agents, m.Total.Limited = 10, 99.6, 20, 3
	m.Pages = []Page{{Page: "list", Requests: 12, Limited: 3, P50: 5, P95: 99.6, P99: 120, Bytes: 13_900}}
	assert.Equal(t, `100 people and 10 agents: 0.20 requests per person and second, 3 responses with 429. p95: 100 ms for people, 20 ms for agents.
The app: 4.0 ms of CPU per request, at most 50 MiB in each replica (of 2), 4.0 kB per response, 2 database connections.

| page | requests | failed | 429 | p50 | p95 | p99 | size |
| --- | --- | --- | --- | --- | --- | --- | --- |
| list | 12 | 0 | 3 | 5 ms | 100 ms | 120 ms | 13.9 kB |
`, m.Markdown())
}
