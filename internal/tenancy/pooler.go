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

// Files of the pooler's folder. PoolerEntrypoint is run by a POSIX shell.
const (
	PoolerEntrypoint = "pooler.sh"
	poolerConfig     = "pgbouncer.ini"
	poolerUsers      = "users.txt"
	poolerServerCA   = "postgres-ca.crt"
	poolerKey        = "tls.key"
	poolerCert       = "tls.crt"
)

// sharedDatabase is the pooler's name for the database, as tenants' connection
// strings have it. PgBouncer takes letters, digits and "_.-" in such a name, and an
// external database may have another one.
const sharedDatabase = "app"

// poolerDatabase is the pooler's database of a tenant. With reserved connections it is
// one of its own, named as its role.
func poolerDatabase(t settings.Tenant) string {
	if t.Tier().Reserved > 0 {
		return names.SQL(t.Name)
	}
	return sharedDatabase
}

// PoolerScript is the program that PoolerEntrypoint holds.
func PoolerScript() string { return poolerScript }

// Pooler is one PgBouncer, which lets tenants share the server's connections.
type Pooler struct {
	// Folder has the files that Files returns. RunFolder and SocketFolder are writable:
	// the first gets the verifiers of the users whom the script lets in, the second the
	// Unix socket of the administration console. The exporter is given the second alone.
	Folder, RunFolder, SocketFolder string
	// Port takes the clients.
	Port int
	// Hosts are the names by which clients reach it: its certificate has them.
	Hosts []string
	// Shared is how many server connections the tenants without reserved ones share.
	Shared int
	// TransactionSeconds is when a transaction is ended, whatever its session set.
	TransactionSeconds int
}

// Files are the pooler's files by name. Admin is the administrator's connection
// string: its address and database are those of the server, its user and password
// are not used. ServerCA (PEM) checks the server's certificate. Verifiers are what
// Verifiers returned for these tenants: a thousand take a second. The files hold
// verifiers and a private key, and no password: treat them as secret.
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

// poolerUsersOf is the auth_file: the verifiers of the tenants that may log in. The
// same verifier lets a client in and logs in to the server, because the client's
// proof gives PgBouncer the key for it. Owners are never in it.
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

// config is pgbouncer.ini.
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
			// An entry of its own has connections of its own: max_db_connections counts
			// for each entry.
			entry(poolerDatabase(t), fmt.Sprintf("pool_size=%d max_db_connections=%d", tier.PoolSize, tier.Reserved))
		case tier.PoolSize > 1:
			fmt.Fprintf(&users, "%s = pool_size=%d\n", names.SQL(t.Name), tier.PoolSize)
		}
	}
	return "[databases]\n" + databases.String() + "\n[users]\n" + users.String() + "\n" + p.general()
}

// general is the section that is the same for all tenants. Its values are those with
// which 300 tenants shared 16 connections; decision 0014 has the figures.
func (p Pooler) general() string {
	file := func(name string) string { return path.Join(p.Folder, name) }
	var b strings.Builder
	b.WriteString("[pgbouncer]\n")
	for _, s := range []struct{ reason, key, value string }{
		{"Clients come by the network. The administration console is on the socket: there the user\n; pgbouncer with this process's uid needs no password.", "listen_addr", "*"},
		{"", "listen_port", strconv.Itoa(p.Port)},
		{"", "unix_socket_dir", p.SocketFolder},
		{"Clients prove a password; the file holds verifiers only.", "auth_type", "scram-sha-256"},
		{"", "auth_file", path.Join(p.RunFolder, poolerUsers)},
		{"Rows are encrypted on both ways, and both servers show who they are.", "client_tls_sslmode", "require"},
		{"", "client_tls_cert_file", file(poolerCert)},
		{"", "client_tls_key_file", file(poolerKey)},
		{"", "server_tls_sslmode", "verify-full"},
		{"", "server_tls_ca_file", file(poolerServerCA)},
		{"A server connection goes back after each transaction, so an idle tenant holds none.", "pool_mode", "transaction"},
		{"One tenant at most one: a tenant with slow queries waits for itself.", "default_pool_size", "1"},
		{"Connections that wait for work would be missing elsewhere.", "min_pool_size", "0"},
		{"A second connection for a tenant that waits would be taken from another.", "reserve_pool_size", "0"},
		{"A tenant that paused gives its connection back; a login costs 8 ms of CPU.", "server_idle_timeout", "15"},
		{"A failed login, such as one into a full server, is tried again after a second, not 15.", "server_login_retry", "1"},
		{"Nothing of a session stays for the tenant's next client: settings, prepared statements,\n; advisory locks, LISTEN.", "server_reset_query", "DISCARD ALL"},
		{"By default the reset is left out in transaction mode.", "server_reset_query_always", "1"},
		{"Prepared statements of the protocol are prepared again where a transaction lands.", "max_prepared_statements", "100"},
		{"A client that waits longer gets an error, before its own request ends (30 s in most\n; ingresses).", "query_wait_timeout", "10"},
		{"A transaction that does nothing keeps a connection from all others.", "idle_transaction_timeout", "5"},
		{"A session can lift its statement_timeout, and can keep a transaction open with short\n; statements. This ends both, above the longest statement of a tier (60 s).", "transaction_timeout", strconv.Itoa(p.TransactionSeconds)},
		{"Idle clients are cheap: 1,500 with TLS took 33 MB.", "max_client_conn", "2000"},
		{"One tenant cannot take all client connections.", "max_user_client_connections", "200"},
		{"Java's driver sends it, and PgBouncer would refuse the login.", "ignore_startup_parameters", "extra_float_digits"},
		{"The log has errors, and a line of figures each minute.", "log_connections", "0"},
		{"", "log_disconnections", "0"},
	} {
		if s.reason != "" {
			fmt.Fprintf(&b, "; %s\n", s.reason)
		}
		fmt.Fprintf(&b, "%s = %s\n", s.key, s.value)
	}
	return b.String()
}

// quoted is a value of a database's entry in pgbouncer.ini.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
