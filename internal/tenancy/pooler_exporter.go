package tenancy

import "fmt"

// PoolerExporter returns the arguments of the exporter of PgBouncer's metrics.
// socketFolder and port are the pooler's. listen is the exporter's own TCP port.
func PoolerExporter(socketFolder string, port, listen int) []string {
	return []string{
		fmt.Sprintf("--pgBouncer.connectionString=host=%s port=%d user=pgbouncer dbname=pgbouncer sslmode=disable", socketFolder, port),
		fmt.Sprintf("--web.listen-address=:%d", listen),
		"--log.level=warn",
	}
}
