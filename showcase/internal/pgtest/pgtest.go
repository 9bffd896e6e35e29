// Package pgtest gives tests a PostgreSQL with tenants, as the platform sets them up, and the
// folder of the platform's app contract.
package pgtest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/postgrestest"
	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// Domain is the domain of the tenants' hosts.
const Domain = "hq.test"

// Server is a database with the folder of its tenants.
type Server struct {
	*postgrestest.Server
	// Folder has tenants.json and the connection strings.
	Folder   string
	database string
	list     []tenants.Tenant
}

// shared is the PostgreSQL of all tests of a package. To start one takes two seconds.
var shared struct {
	server    *postgrestest.Server
	databases int
	cleanups  []func()
}

// keeper keeps what a test would end with.
type keeper struct{ testing.TB }

// Cleanup runs f when Main ends.
func (keeper) Cleanup(f func()) { shared.cleanups = append(shared.cleanups, f) }

// Main runs the tests of a package, and then ends their PostgreSQL. Call it in TestMain.
func Main(m *testing.M) int {
	status := m.Run()
	for _, f := range slices.Backward(shared.cleanups) {
		f()
	}
	return status
}

// Start creates a database with tenants of the plan growth. The package's tests share a server,
// so they must not run at the same time.
func Start(t testing.TB, names ...string) *Server {
	t.Helper()
	if shared.server == nil {
		shared.server = postgrestest.Start(keeper{t}, 0)
	}
	shared.databases++
	s := &Server{Server: shared.server, Folder: t.TempDir(), database: fmt.Sprintf("test_%d", shared.databases)}
	_, err := s.Superuser(t, "postgres").Exec(context.Background(), "CREATE DATABASE "+s.database+" OWNER "+postgrestest.Admin)
	require.NoError(t, err)
	s.Run(t, "ALTER ROLE "+postgrestest.App+" LOGIN")
	s.WriteList(t)
	for _, name := range names {
		s.Add(t, name, "growth")
	}
	return s
}

// Admin opens a connection to the database as the superuser.
func (s *Server) Admin(t testing.TB) *pgx.Conn {
	t.Helper()
	return s.Superuser(t, s.database)
}

// Run runs statements as the superuser.
func (s *Server) Run(t testing.TB, statements ...string) {
	t.Helper()
	conn := s.Admin(t)
	for _, statement := range statements {
		_, err := conn.Exec(context.Background(), statement)
		require.NoError(t, err, statement)
	}
}

// AppURL returns DATABASE_URL, the connection string of the app's own role.
func (s *Server) AppURL() string {
	return strings.Replace(s.URL(postgrestest.App), "/"+postgrestest.Database+"?", "/"+s.database+"?", 1)
}

// Add creates the roles and the schema of a tenant, and its files.
func (s *Server) Add(t testing.TB, name, plan string) {
	t.Helper()
	role := "tenant_" + strings.ReplaceAll(name, "-", "_")
	owner := "owner_" + strings.ReplaceAll(name, "-", "_")
	s.Run(t,
		// Roles belong to the server, so another test may have created them.
		"DO $$ BEGIN CREATE ROLE "+owner+" NOLOGIN; CREATE ROLE "+role+"; EXCEPTION WHEN duplicate_object THEN END $$",
		"ALTER ROLE "+role+" LOGIN PASSWORD 'tenant-password'",
		"GRANT "+owner+" TO "+postgrestest.App,
		"CREATE SCHEMA "+role+" AUTHORIZATION "+owner,
		"GRANT USAGE ON SCHEMA "+role+" TO "+role,
		"ALTER DEFAULT PRIVILEGES FOR ROLE "+owner+" IN SCHEMA "+role+" GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "+role,
		"ALTER ROLE "+role+" SET search_path = "+role,
	)
	u, err := url.Parse(s.AppURL())
	require.NoError(t, err)
	u.User = url.UserPassword(role, "tenant-password")
	require.NoError(t, os.WriteFile(filepath.Join(s.Folder, name+".url"), []byte(u.String()), 0o600))
	s.list = append(s.list, tenants.Tenant{Name: name, Host: name + "." + Domain, Plan: plan, State: "active", Role: role, Schema: role})
	s.WriteList(t)
}

// OwnSchema gives a tenant what ownsSchema: true does: its sessions act as the owner of its schema, and
// the app's own role may not. The owner must be of no other test, because roles belong to the server.
func (s *Server) OwnSchema(t testing.TB, name string) {
	t.Helper()
	role := "tenant_" + strings.ReplaceAll(name, "-", "_")
	owner := "owner_" + strings.ReplaceAll(name, "-", "_")
	s.Run(t, "REVOKE "+owner+" FROM "+postgrestest.App, "GRANT "+owner+" TO "+role, "ALTER ROLE "+role+" SET role = "+owner)
}

// Count creates the tables of the tenants' usage as the platform does. root is the folder of the
// platform's module.
func (s *Server) Count(t testing.TB, root string) {
	t.Helper()
	statements, err := os.ReadFile(filepath.Join(root, "internal", "tenancy", "reconcile", "usage.sql"))
	require.NoError(t, err)
	s.Run(t, "CREATE SCHEMA platform", string(statements))
}

// Suspend changes the state of a tenant in tenants.json.
func (s *Server) Suspend(t testing.TB, name string) {
	t.Helper()
	for i := range s.list {
		if s.list[i].Name == name {
			s.list[i].State = "suspended"
		}
	}
	s.WriteList(t)
}

// WriteList writes tenants.json.
func (s *Server) WriteList(t testing.TB) {
	t.Helper()
	data, err := json.Marshal(append([]tenants.Tenant{}, s.list...))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.Folder, "tenants.json"), data, 0o600))
}

// DB is one migrated tenant.
type DB struct {
	Pools    *tenants.Pools
	Registry *tenants.Registry
	Tenant   tenants.Tenant
}

// Migrated starts a server with the tenant acme, whose schema is migrated.
func Migrated(t testing.TB) DB {
	t.Helper()
	s := Start(t, "acme")
	registry, err := tenants.Open(s.Folder)
	require.NoError(t, err)
	runner, err := migrate.New(s.AppURL(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = runner.Close() }) // the server ends after it
	for _, state := range runner.Run(context.Background(), registry.All()) {
		require.Empty(t, state.Fault)
	}
	pools := tenants.NewPools(tenants.Limits{Transactions: 5, Pools: 10, Single: 2})
	t.Cleanup(pools.Close)
	tenant, ok := registry.ByName("acme")
	require.True(t, ok)
	return DB{pools, registry, tenant}
}

// Tx runs work in a transaction of the tenant, and fails the test on an error.
func (d DB) Tx(t testing.TB, work func(pgx.Tx) error) {
	t.Helper()
	require.NoError(t, d.Pools.Tx(context.Background(), d.Tenant, work))
}

// Pool starts PgBouncer in transaction mode, and makes all tenants connect through it. A tenant has
// one server connection there, as in the plan starter.
func (s *Server) Pool(t testing.TB) {
	t.Helper()
	p := s.NewPooler(t)
	var users strings.Builder
	for _, tenant := range s.list {
		fmt.Fprintf(&users, "%q %q\n", tenant.Role, "tenant-password")
	}
	p.Write(t, map[string]string{
		"users": users.String(),
		"run":   `exec "$PGBOUNCER" "$POOLER/pgbouncer.ini"`,
		"pgbouncer.ini": fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s/users
pool_mode = transaction
default_pool_size = 1
server_reset_query_always = 1
max_prepared_statements = 0
`, s.Port, p.Port, p.Folder),
	})
	p.Start(t, "run")
	for _, tenant := range s.list {
		text := fmt.Sprintf("postgresql://%s:tenant-password@127.0.0.1:%d/%s?sslmode=disable", tenant.Role, p.Port, s.database)
		require.NoError(t, os.WriteFile(filepath.Join(s.Folder, tenant.Name+".url"), []byte(text), 0o600))
	}
}
