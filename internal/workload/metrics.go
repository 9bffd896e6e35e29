package workload

// Metrics of the pooler's exporter that the dashboard shows.
const (
	// PoolerWaiting are clients that wait for a server connection, and PoolerWaitSeconds
	// is how long the first of them has waited; both for each tenant's pool.
	PoolerWaiting     = "pgbouncer_pools_client_waiting_connections"
	PoolerWaitSeconds = "pgbouncer_pools_client_maxwait_seconds"
	// PoolerLogins are server connections that log in, PoolerBusy those in a transaction.
	PoolerLogins = "pgbouncer_pools_server_login_connections"
	PoolerBusy   = "pgbouncer_pools_server_active_connections"
	// PoolerOpen and PoolerLimit count server connections of a database's entry.
	PoolerOpen  = "pgbouncer_databases_current_connections"
	PoolerLimit = "pgbouncer_databases_max_connections"
)

// PoolerMetrics are all of them. The others are not kept: each is a series for each
// tenant in each pooler.
func PoolerMetrics() []string {
	return []string{PoolerWaiting, PoolerWaitSeconds, PoolerLogins, PoolerBusy, PoolerOpen, PoolerLimit}
}
