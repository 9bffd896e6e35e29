package tenancy

import (
	_ "embed" // the script
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
)

//go:embed pooler.sh
var poolerScript string

// Files of the pooler's folder. A POSIX shell runs PoolerEntrypoint.
const (
	PoolerEntrypoint = "pooler.sh"
	poolerConfig     = "pgbouncer.ini"
	poolerUsers      = "users.txt"
	poolerServerCA   = "postgres-ca.crt"
	poolerKey        = "tls.key"
	poolerCert       = "tls.crt"
)

// sharedDatabase is the name of the database in the tenants' connection strings. It is
// fixed: PgBouncer accepts only letters, digits and "_.-" in such a name. An external
// database may have other characters in its name.
const sharedDatabase = "app"

// poolerDatabase returns the name of a tenant's database in the pooler. A tenant with
// reserved connections has an entry of its own, with the name of its role.
func poolerDatabase(t settings.Tenant) string {
	if t.Tier().Reserved > 0 {
		return names.SQL(t.Name)
	}
	return sharedDatabase
}

// PoolerScript returns the text of PoolerEntrypoint.
func PoolerScript() string { return poolerScript }

// Pooler is the configuration of one PgBouncer. Through it, tenants share the server's
// connections.
type Pooler struct {
	// Folder contains the files that Files returns. RunFolder and SocketFolder are
	// writable. The script writes the users' verifiers to RunFolder. PgBouncer creates the
	// Unix socket of its administration console in SocketFolder. The exporter of metrics
	// can read SocketFolder only.
	Folder, RunFolder, SocketFolder string
	// Port is the TCP port for clients.
	Port int
	// Hosts are the names by which clients reach the pooler. Its certificate has them.
	Hosts []string
	// Shared is the number of server connections for all tenants without reserved ones.
	Shared int
	// TransactionSeconds is the longest duration of a transaction in seconds. A tenant's
	// session cannot raise it.
	TransactionSeconds int
}

// Files returns the pooler's files by name.
//
// admin is the administrator's connection string. Files takes the server's address and
// database from it, and ignores its user and password. serverCA (PEM) verifies the
// server's certificate. verifiers is what Verifiers returned for the same tenants: it is a
// parameter because computing a thousand takes a second.
//
// The files contain verifiers and a private key, but no password. Treat them as secret.
func (p Pooler) Files(admin, serverCA, seed, verifiers string, tenants []settings.Tenant) (map[string]string, error) {
	server, err := Environment(admin)
	if err != nil {
		return nil, err
	}
	own, err := newCertificate(seed, p.Hosts)
	if err != nil {
		return nil, fmt.Errorf("the pooler's certificate: %w", err)
	}
	return map[string]string{
		PoolerEntrypoint: poolerScript, poolerConfig: p.config(server, tenants), poolerUsers: poolerUsersOf(verifiers, tenants),
		poolerServerCA: serverCA, poolerCert: own.certificate, poolerKey: own.key,
	}, nil
}

// poolerUsersOf returns PgBouncer's auth_file: the verifiers of the tenants that may log
// in. PgBouncer checks clients with the verifier, and logs in to the server with it as
// well: the client's proof gives PgBouncer the key for that. Owners are never in the file.
func poolerUsersOf(verifiers string, tenants []settings.Tenant) string {
	admitted := map[string]bool{}
	for _, t := range tenants {
		admitted[names.SQL(t.Name)] = t.LogsIn()
	}
	var b strings.Builder
	for line := range strings.Lines(verifiers) {
		if role, verifier, _ := strings.Cut(strings.TrimSpace(line), ","); admitted[role] {
			fmt.Fprintf(&b, "%q %q\n", role, verifier)
		}
	}
	return b.String()
}

// config returns pgbouncer.ini.
func (p Pooler) config(server map[string]string, tenants []settings.Tenant) string {
	var databases, users strings.Builder
	entry := func(name, limits string) {
		fmt.Fprintf(&databases, "%s = host=%s port=%s dbname=%s %s\n", name, quoted(server["PGHOST"]), server["PGPORT"],
			quoted(server["PGDATABASE"]), limits)
	}
	entry(sharedDatabase, fmt.Sprintf("max_db_connections=%d", p.Shared))
	for _, t := range tenants {
		tier := t.Tier()
		switch {
		case !t.LogsIn():
		case tier.Reserved > 0:
			// max_db_connections counts for each entry. So an entry of its own reserves
			// the tenant's connections.
			entry(poolerDatabase(t), fmt.Sprintf("pool_size=%d max_db_connections=%d", tier.PoolSize, tier.Reserved))
		case tier.PoolSize > 1:
			fmt.Fprintf(&users, "%s = pool_size=%d\n", names.SQL(t.Name), tier.PoolSize)
		}
	}
	return "[databases]\n" + databases.String() + "\n[users]\n" + users.String() + "\n" + p.general()
}

// general returns the section that applies to all tenants. 300 tenants shared 16
// connections with these values; decision 0014 has the figures.
func (p Pooler) general() string {
	file := func(name string) string { return path.Join(p.Folder, name) }
	var b strings.Builder
	b.WriteString("[pgbouncer]\n")
	for _, s := range []struct{ reason, key, value string }{
		{"Clients connect over the network. The administration console is on the Unix socket. There\n; the user pgbouncer with the uid of this process needs no password.", "listen_addr", "*"},
		{"", "listen_port", strconv.Itoa(p.Port)},
		{"", "unix_socket_dir", p.SocketFolder},
		{"Clients prove that they know the password. The file has verifiers, no passwords.", "auth_type", "scram-sha-256"},
		{"", "auth_file", path.Join(p.RunFolder, poolerUsers)},
		{"Both connections are encrypted. Clients verify the pooler, and it verifies the server.", "client_tls_sslmode", "require"},
		{"", "client_tls_cert_file", file(poolerCert)},
		{"", "client_tls_key_file", file(poolerKey)},
		{"", "server_tls_sslmode", "verify-full"},
		{"", "server_tls_ca_file", file(poolerServerCA)},
		{"Clients need no certificate. Without a file PgBouncer reads that of its image, and does not\n; start if there is none.", "client_tls_ca_file", file(poolerServerCA)},
		{"A server connection returns to the pool after each transaction. An idle tenant uses none.", "pool_mode", "transaction"},
		{"A tenant has at most one connection. If its queries are slow, only this tenant waits.", "default_pool_size", "1"},
		{"An idle connection could not be used by another tenant.", "min_pool_size", "0"},
		{"A second connection for a waiting tenant would be one less for another tenant.", "reserve_pool_size", "0"},
		{"Seconds until an idle connection is closed. The next login takes 8 ms of CPU.", "server_idle_timeout", "15"},
		{"A failed login, for example because the server is full, is tried again after 1 s, not 15.", "server_login_retry", "1"},
		{"The tenant's next client gets a clean session: no settings, prepared statements, advisory\n; locks or LISTEN of the one before.", "server_reset_query", "DISCARD ALL"},
		{"In transaction mode PgBouncer leaves out the reset by default.", "server_reset_query_always", "1"},
		{"A reset that fails leaves the session as it was. While a tenant has filled the server's table\n; of locks, that is possible, and its locks would stay for PgBouncer's default of an hour.", "server_lifetime", strconv.Itoa(p.TransactionSeconds)},
		{"Statements prepared by the protocol are prepared again on the connection that is used.", "max_prepared_statements", "100"},
		{"Seconds that a client waits for a connection before it gets an error. Most ingresses end\n; a request after 30 s, so the app can still answer.", "query_wait_timeout", "10"},
		{"Seconds until an idle transaction is ended: no other tenant can use its connection.", "idle_transaction_timeout", "5"},
		{"A session can remove its statement_timeout, or keep a transaction open with short\n; statements. This ends both. It is longer than the longest statement of a tier (60 s).", "transaction_timeout", strconv.Itoa(p.TransactionSeconds)},
		{"Idle clients are cheap: 1,500 with TLS took 33 MB.", "max_client_conn", "2000"},
		{"One tenant cannot use all client connections.", "max_user_client_connections", "200"},
		{"Java's driver sends this parameter. Without this line PgBouncer refuses the login.", "ignore_startup_parameters", "extra_float_digits"},
		{"The log has errors, and one line of statistics each minute.", "log_connections", "0"},
		{"", "log_disconnections", "0"},
	} {
		if s.reason != "" {
			fmt.Fprintf(&b, "; %s\n", s.reason)
		}
		fmt.Fprintf(&b, "%s = %s\n", s.key, s.value)
	}
	return b.String()
}

// quoted returns text as a quoted value for the [databases] section of pgbouncer.ini.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
