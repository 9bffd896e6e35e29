package workload

import (
	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/settings"
)

// MeasuredOn is the date of the measurement that the factors below are from.
const MeasuredOn = "2026-12-01"

// Factors from concurrent users to replicas and requests, measured with AgentHQ on MeasuredOn by
// `make load` with 100 to 800 people (docs/benchmarks.md). They are rounded up, because
// other machines are slower and other weeks busier. Two more factors are the defaults of
// settings.capacity.requestsPerMinute (measured: 17.3 with 5 seconds between two steps of a
// person) and settings.app.responseKiB (measured: 6.7).
const (
	// milliCPUPerRequest is the CPU for one request a second, in thousandths of a core.
	// Measured: 2.9.
	milliCPUPerRequest = 5
	// baseMiB is the memory of an idle replica. kibPerUser is added for each of its users.
	// Measured: 35 MiB, and 44 KiB for each user.
	baseMiB    = 64
	kibPerUser = 256
	// usersPerReplica is the number of users for which one replica is added.
	usersPerReplica = 100
	// minReplicas keeps the app available while a Pod is replaced or its node is drained.
	minReplicas = 2
)

// replicasFor returns the number of the app's replicas for a number of concurrent users.
func replicasFor(users int) int { return max(minReplicas, ceil(users, usersPerReplica)) }

// eachReplica returns the request of each of the app's replicas.
func eachReplica(c settings.Capacity, replicas int) components.Resources {
	share := ceil(c.ConcurrentUsers, replicas)
	return components.Resources{
		MilliCPU: max(50, ceil(share*c.RequestsPerMinute*milliCPUPerRequest, 60)),
		MiB:      baseMiB + ceil(share*kibPerUser, 1024),
	}
}

// Factors from tenants to the memory of VictoriaMetrics. Measured on MeasuredOn with v1.150.0 and
// series as long as Traefik's: 36 MiB for 10,000 series, 81 MiB for 100,000 and 215 MiB for
// 300,000.
const (
	// SeriesPerTenant is the number of metrics' series of one tenant: ten pairs of method and
	// status with twelve series each in two Traefik Pods (240), the pooler's (12), the recording rules' and
	// the gauges (16), and the app's (32).
	SeriesPerTenant = 300
	seriesPerMiB    = 1024
	// platformSeriesMiB is for the series of the platform itself and for queries.
	platformSeriesMiB = 128
)

// storeMiB returns the memory in MiB that VictoriaMetrics needs for all tenants with a host.
func storeMiB(s settings.Settings) int {
	tenants := 0
	for _, t := range s.Tenants {
		if t.HasSchema() {
			tenants++
		}
	}
	return platformSeriesMiB + ceil(tenants*SeriesPerTenant, seriesPerMiB)
}

// TenantSeries returns how many metrics' series of tenants VictoriaMetrics can hold.
func (set Set) TenantSeries() int {
	return max(0, set.VictoriaMetrics.Request.MiB-platformSeriesMiB) * seriesPerMiB
}

// minutesPerMonth is the length of the longest month.
const minutesPerMonth = 31 * 24 * 60

// transferGiB returns the outbound traffic of the app in GiB, for a month in which all
// concurrent users are there all the time.
func transferGiB(s settings.Settings) int {
	return ceil(s.Capacity.ConcurrentUsers*s.Capacity.RequestsPerMinute*minutesPerMonth*s.App.ResponseKiB, 1<<20)
}

func ceil(a, b int) int { return (a + b - 1) / b }
