package workload

// Names of the metrics of the pooler's exporter that the dashboard shows.
const (
	// PoolerWaiting is the number of clients that wait for a server connection.
	// PoolerWaitSeconds is how long the first of them has waited, in seconds. There is one
	// series of each for every tenant's pool.
	PoolerWaiting     = "pgbouncer_pools_client_waiting_connections"
	PoolerWaitSeconds = "pgbouncer_pools_client_maxwait_seconds"
	// PoolerLogins is the number of server connections that are logging in, PoolerBusy of
	// those in a transaction.
	PoolerLogins = "pgbouncer_pools_server_login_connections"
	PoolerBusy   = "pgbouncer_pools_server_active_connections"
	// PoolerOpen is the number of open server connections of a database's entry, and
	// PoolerLimit the most that it may open.
	PoolerOpen  = "pgbouncer_databases_current_connections"
	PoolerLimit = "pgbouncer_databases_max_connections"
)

// PoolerMetrics returns all metrics of the pooler that are stored. The others are dropped,
// because each has a series for every tenant in every pooler.
func PoolerMetrics() []string {
	return []string{PoolerWaiting, PoolerWaitSeconds, PoolerLogins, PoolerBusy, PoolerOpen, PoolerLimit}
}
