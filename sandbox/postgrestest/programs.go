package postgrestest

// PgBouncer returns a folder with PgBouncer, whose file "run" starts it. The first call on a
// machine fetches it from Debian, which takes about 10 s.
func PgBouncer() (string, error) { return debianProgram{"pgbouncer", "usr/sbin"}.fetch() }

// Exporter returns a folder like that of PgBouncer with the exporter of PgBouncer's metrics.
func Exporter() (string, error) {
	return debianProgram{"prometheus-pgbouncer-exporter", "usr/bin"}.fetch()
}
