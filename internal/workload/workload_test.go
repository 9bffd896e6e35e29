package workload_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// appFor returns the app of a stack with n concurrent users.
func appFor(n int) workload.Workload {
	return workload.For(settings.Settings{Capacity: settings.Capacity{ConcurrentUsers: n, RequestsPerMinute: 18}}).App
}

func TestAppGetsMoreCPUForMoreUsers(t *testing.T) {
	assert.Equal(t, 2, appFor(1).Replicas, "one Pod serves while the other is replaced")
	assert.Equal(t, 2, appFor(100).Replicas)
	assert.Equal(t, 10, appFor(1000).Replicas)
	before := 0
	for n := 1; n < 2000; n += 37 {
		w := appFor(n)
		total := w.Replicas * w.Request.MilliCPU
		assert.GreaterOrEqual(t, 2*total, n*3, "one and a half thousandths of a core for each user")
		assert.GreaterOrEqual(t, total, before-w.Replicas)
		before = total
	}
}

// The figures of docs/benchmarks.md, rounded up: 5m of CPU for each request a second, 64 MiB for
// an idle replica and 256 KiB for each of its users.
func TestAppGetsWhatTheMeasurementsSay(t *testing.T) {
	for users, want := range map[int]components.Resources{
		1: {MilliCPU: 50, MiB: 65}, 100: {MilliCPU: 75, MiB: 77}, 101: {MilliCPU: 77, MiB: 77}, 250: {MilliCPU: 126, MiB: 85}, 1000: {MilliCPU: 150, MiB: 89},
	} {
		assert.Equal(t, want, appFor(users).Request, "%d users", users)
	}
	busy := workload.For(settings.Settings{Capacity: settings.Capacity{ConcurrentUsers: 100, RequestsPerMinute: 36}}).App
	assert.Equal(t, 150, busy.Request.MilliCPU, "twice the requests")
}

// Observed peaks were above the usual use by half and less. A Pod above its limit is killed.
func TestLimitsAreHalfAboveTheRequests(t *testing.T) {
	set := workload.For(settings.Settings{Capacity: settings.Capacity{ConcurrentUsers: 100, RequestsPerMinute: 18}})
	for w := range set.All() {
		assert.GreaterOrEqual(t, 2*w.Limit.MiB, 3*w.Request.MiB, w.Name)
		assert.GreaterOrEqual(t, 2*w.Sidecar.Limit.MiB, 3*w.Sidecar.Request.MiB, "%s: its sidecar", w.Name)
		assert.Zero(t, w.Limit.MilliCPU, "%s: a limit of CPU would slow it down while the node is idle", w.Name)
	}
	assert.Equal(t, components.Resources{MiB: 768}, set.Grafana.Limit, "it was killed with 400 MiB (grafana#123017)")
}

func TestStoreOfMetricsGetsMoreMemoryForMoreTenants(t *testing.T) {
	storeFor := func(n int) workload.Workload {
		tenants := []settings.Tenant{{Name: "left", State: settings.Purged}}
		for i := range n {
			tenants = append(tenants, settings.Tenant{Name: fmt.Sprintf("t%d", i), State: settings.Active})
		}
		return workload.For(settings.Settings{Tenants: tenants}).VictoriaMetrics
	}
	assert.Equal(t, 256, storeFor(0).Request.MiB)
	assert.Equal(t, 256, storeFor(436).Request.MiB, "128 MiB hold 131,072 series, and a tenant has 300")
	assert.Equal(t, 257, storeFor(437).Request.MiB)
	assert.Equal(t, components.Resources{MiB: 842}, storeFor(1000).Limit, "twice the request")
}

func TestAppHasTheRequestsAndReplicasOfItsSettings(t *testing.T) {
	w := workload.For(settings.Settings{
		Capacity: settings.Capacity{ConcurrentUsers: 100}, App: settings.App{CPU: "0.25", Memory: "1G", Replicas: 3, DatabasePool: 4},
	}).App
	assert.Equal(t, 3, w.Replicas)
	assert.Equal(t, components.Resources{MilliCPU: 250, MiB: 954}, w.Request, "a gigabyte, rounded up to MiB")
	assert.Equal(t, "250m", w.Request.CPU())
	assert.Equal(t, "954Mi", w.Request.Memory())
}

func TestConnectionsIncludeThePodsThatARollingUpdateAdds(t *testing.T) {
	set := workload.For(settings.Settings{Capacity: settings.Capacity{ConcurrentUsers: 100}, App: settings.App{DatabasePool: 4}})
	assert.Equal(t, 12+2*workload.MinPoolerConnections, set.Connections())
}

func TestEveryPodHasACPURequestAndAMemoryLimitAboveItsRequest(t *testing.T) {
	workloads := 0
	for w := range workload.For(settings.Settings{}).All() {
		workloads++
		assert.Greater(t, w.Limit.MiB, w.Request.MiB, w.Name)
		assert.Positive(t, w.Request.MilliCPU, w.Name)
	}
	assert.Equal(t, 14, workloads)
}
