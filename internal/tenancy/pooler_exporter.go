package tenancy

import "fmt"

// PoolerExporter are the arguments of the exporter beside a pooler with this run folder
// and port. It listens on another port.
func PoolerExporter(runFolder string, port, listen int) []string {
	return []string{
		fmt.Sprintf("--pgBouncer.connectionString=host=%s port=%d user=pgbouncer dbname=pgbouncer sslmode=disable", runFolder, port),
		fmt.Sprintf("--web.listen-address=:%d", listen),
		"--log.level=warn",
	}
}
