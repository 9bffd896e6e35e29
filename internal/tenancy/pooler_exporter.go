package tenancy

import "fmt"

// PoolerExporter are the arguments of the exporter beside a pooler with this folder of
// the socket and this port. It listens on another port.
func PoolerExporter(socketFolder string, port, listen int) []string {
	return []string{
		fmt.Sprintf("--pgBouncer.connectionString=host=%s port=%d user=pgbouncer dbname=pgbouncer sslmode=disable", socketFolder, port),
		fmt.Sprintf("--web.listen-address=:%d", listen),
		"--log.level=warn",
	}
}
