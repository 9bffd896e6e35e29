package workload

// How concurrent users turn into replicas and requests. These factors are
// assumptions until a load test of the real app corrects them; this is the one
// place to do so.
const (
	// requestsPerUserMilli: a person who reads and clicks makes one request in
	// five seconds, 0.2 a second.
	requestsPerUserMilli = 200
	// milliCPUPerRequest: one request a second costs 10 thousandths of a core, a
	// page with a few database queries from a compiled or well-cached app.
	milliCPUPerRequest = 10
	// baseMiB is a replica at rest; kibPerUser is added for each user it serves.
	baseMiB    = 64
	kibPerUser = 512
	// usersPerReplica is where one more replica serves better than a larger one.
	usersPerReplica = 100
	// minReplicas keeps the app up while a Pod is replaced or its node is drained.
	minReplicas = 2
)

// appSize derives the app's replicas and the requests of each from the number of
// people who use it at the same time.
func appSize(users int) (replicas int, each Resources) {
	replicas = max(minReplicas, ceil(users, usersPerReplica))
	return replicas, eachReplica(users, replicas)
}

func eachReplica(users, replicas int) Resources {
	share := ceil(users, replicas)
	return Resources{
		MilliCPU: max(50, ceil(share*requestsPerUserMilli*milliCPUPerRequest, 1000)),
		MiB:      baseMiB + ceil(share*kibPerUser, 1024),
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }
