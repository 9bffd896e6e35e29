package workload

import "github.com/genericcorp/platform/components"

// MeasuredOn is the date of the measurement that the factors below are from.
const MeasuredOn = "2026-12-01"

// Factors from concurrent users to replicas and requests, measured with AgentHQ on MeasuredOn by
// `make load` with 100 to 800 people (docs/benchmarks.md). They are rounded up, because
// other machines are slower and other weeks busier.
const (
	// requestsPerUserMilli is the requests a second of one user, in thousandths. Measured: 289,
	// with 5 seconds between two steps of a person.
	requestsPerUserMilli = 300
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

// appSize returns the number of the app's replicas, and the request of each, for a number of
// concurrent users.
func appSize(users int) (replicas int, each components.Resources) {
	replicas = max(minReplicas, ceil(users, usersPerReplica))
	return replicas, eachReplica(users, replicas)
}

func eachReplica(users, replicas int) components.Resources {
	share := ceil(users, replicas)
	return components.Resources{
		MilliCPU: max(50, ceil(share*requestsPerUserMilli*milliCPUPerRequest, 1000)),
		MiB:      baseMiB + ceil(share*kibPerUser, 1024),
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }
