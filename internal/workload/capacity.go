package workload

import "github.com/genericcorp/platform/components"

// Factors from concurrent users to replicas and requests. They are assumptions. Change them
// here after a load test of the real app.
const (
	// requestsPerUserMilli is the requests a second of one user, in thousandths. A person
	// who reads and clicks makes one request in 5 seconds, so 0.2 a second.
	requestsPerUserMilli = 200
	// milliCPUPerRequest is the CPU for one request a second, in thousandths of a core: a
	// page with a few database queries, from a compiled or well-cached app.
	milliCPUPerRequest = 10
	// baseMiB is the memory of an idle replica. kibPerUser is added for each of its users.
	baseMiB    = 64
	kibPerUser = 512
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
