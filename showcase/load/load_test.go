// Package load_test puts people and agents on AgentHQ: the program itself, with a PostgreSQL and
// three tenants, behind a proxy with TLS.
package load_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/load"
	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

// To measure AgentHQ alone:
// go test ./load -run TestPeopleAndAgents -v -timeout 1h -people 100,200,400 -duration 2m -think 5s
var (
	people   = flag.String("people", "20", "numbers of people at once, each in a run of its own")
	duration = flag.Duration("duration", 20*time.Second, "time in which people begin new steps")
	think    = flag.Duration("think", time.Second, "mean time between two steps of a person")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(pgtest.Main(m))
}

func TestPeopleAndAgentsUseAllPagesWithoutAFailure(t *testing.T) {
	k6, err := build.K6(root(t), os.Stderr)
	require.NoError(t, err)
	var all []load.Measurement
	for text := range strings.SplitSeq(*people, ",") {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		t.Run(text, func(t *testing.T) {
			m := measure(t, k6, n)
			all = append(all, m)
			t.Log("\n" + m.Markdown())
			check(t, m, n)
		})
	}
	if f, err := load.FactorsOf(all); err == nil {
		t.Logf("%+v", f)
	}
}

// root returns the folder of the checkout. The path is absolute, because builds run in other folders.
func root(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../..")
	require.NoError(t, err)
	return path
}

// measure runs k6 against a new process of AgentHQ.
func measure(t *testing.T, k6 string, n int) load.Measurement {
	t.Helper()
	a := start(t)
	ctx := context.Background()
	targets, revoke, err := load.Prepare(ctx, a.network, a.tenants(t, max(1, n/20)))
	require.NoError(t, err)
	database := a.postgres.CPU(t)
	watching, end := context.WithCancel(ctx)
	used := make(chan load.Usage, 1)
	failed := make(chan error, 1)
	go func() {
		u, err := load.Watch(watching, []string{a.metrics}, 500*time.Millisecond)
		used <- u
		failed <- err
	}()
	summary, err := load.Run(ctx, load.Options{
		Network: a.network, K6: k6, Script: "people.js", People: n,
		Duration: *duration, Ramp: *duration / 4, Think: *think, LocalIPs: "127.0.1.0/24", Log: os.Stderr,
	}, targets)
	end()
	require.NoError(t, err)
	require.NoError(t, revoke(ctx))
	m := load.Measurement{Summary: summary, Usage: <-used}
	require.NoError(t, <-failed)
	t.Logf("PostgreSQL: %.1f ms of CPU per request", float64((a.postgres.CPU(t)-database).Milliseconds())/float64(m.Total.Requests))
	return m
}

// check does not look at the durations: this machine may have other work to do.
func check(t *testing.T, m load.Measurement, n int) {
	t.Helper()
	assert.Equal(t, n, m.People)
	assert.Equal(t, 2*max(1, n/20), m.Agents)
	assert.InDelta(t, float64(n)*duration.Seconds(), m.PersonSeconds, float64(n)*duration.Seconds()/2)
	assert.Len(t, m.Pages, 17)
	sum := 0
	for _, p := range m.Pages {
		assert.Positive(t, p.Requests, p.Page)
		assert.Zero(t, p.Failures, p.Page)
		assert.Positive(t, p.P50, p.Page)
		assert.LessOrEqual(t, p.P50, p.P95, p.Page)
		assert.LessOrEqual(t, p.P95, p.P99, p.Page)
		if p.Page != "sign-in" && p.Page != "sign-out" { // these redirect, without a body
			assert.Greater(t, p.Bytes, 100.0, p.Page)
		}
		sum += p.Requests
	}
	assert.Equal(t, sum, m.Total.Requests)
	assert.Zero(t, m.Total.Failures)
	assert.Greater(t, m.ReceivedBytes, m.Total.Bytes*float64(m.Total.Requests)/2)
	assert.Positive(t, m.P95People)
	assert.Positive(t, m.P95Agents)
	assert.Positive(t, m.MilliCPUPerRequest())
	assert.Greater(t, m.PeakBytes, 10.0*(1<<20))
	assert.Positive(t, m.Connections)
}
