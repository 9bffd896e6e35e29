// Package config reads the configuration of AgentHQ from environment variables.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// defaultTenantsDir is the folder of the platform's app contract.
const defaultTenantsDir = "/etc/tenants"

// Config is the configuration of one process.
type Config struct {
	// Port is the TCP port of the HTTP server. Default: 9898.
	Port int
	// DatabaseURL leads to the database itself, with the role that may migrate schemas. It is
	// required.
	DatabaseURL string
	// PublicURL is the address of the service without a tenant, such as https://example.com.
	// Default: http://localhost:PORT.
	PublicURL *url.URL
	// TenantsDir has tenants.json and the connection strings of the tenants. It is empty in
	// single-tenant mode. Default: /etc/tenants if that has a tenants.json.
	TenantsDir string
	// ProxyHops is the number of trusted proxies in front of the process, each of which adds
	// one address to X-Forwarded-For. Default: 1 with tenants, 0 in single-tenant mode.
	ProxyHops int
	// Transactions is the number of transactions at once over all tenants. Default: 5.
	Transactions int
	// TenantPools is the number of tenants that may have open connections. Default: 100.
	TenantPools int
	// DatabasePool is the number of connections in single-tenant mode. Default: 5.
	DatabasePool int
	// DemoTenant is the name of the tenant with sample data and public credentials. Empty
	// means that there is none. In single-tenant mode the only name is "main".
	DemoTenant string
	// LogLevel is debug, info, warn or error. Default: info.
	LogLevel slog.Level
	// Clock returns the time of the demo's sample data and of the charts. It is time.Now, except in
	// tests.
	Clock func() time.Time
}

// MultiTenant reports whether the process serves the tenants of a folder.
func (c Config) MultiTenant() bool { return c.TenantsDir != "" }

// Load reads the configuration. getenv is os.Getenv, or a replacement in tests. It returns all
// faults at once. A fault has the variable's name and never its value if that may be secret.
func Load(getenv func(string) string) (Config, error) {
	r := reader{getenv: getenv}
	c := Config{
		Port:         r.number("PORT", 9898, 1, 65535),
		DatabaseURL:  r.database(),
		TenantsDir:   r.tenants(),
		Transactions: r.number("TRANSACTIONS", 5, 1, 100),
		TenantPools:  r.number("TENANT_POOLS", 100, 1, 10000),
		DatabasePool: r.number("DATABASE_POOL", 5, 1, 100),
		DemoTenant:   getenv("DEMO_TENANT"),
		LogLevel:     r.level(),
		Clock:        time.Now,
	}
	c.PublicURL = r.address("PUBLIC_URL", fmt.Sprintf("http://localhost:%d", c.Port))
	hops := 0
	if c.MultiTenant() {
		hops = 1
	}
	c.ProxyHops = r.number("PROXY_HOPS", hops, 0, 5)
	return c, errors.Join(r.faults...)
}

type reader struct {
	getenv func(string) string
	faults []error
}

func (r *reader) fault(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

func (r *reader) number(name string, fallback, low, high int) int {
	text := r.getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		r.fault(name, "%q is not a whole number from %d to %d", text, low, high)
		return fallback
	}
	return n
}

// database checks the connection string. Its parse error may contain the password, so the
// fault does not have it.
func (r *reader) database() string {
	text := r.getenv("DATABASE_URL")
	if text == "" {
		r.fault("DATABASE_URL", "is missing; set it to a connection string such as postgresql://user:password@host:5432/name")
		return ""
	}
	if _, err := pgxpool.ParseConfig(text); err != nil {
		r.fault("DATABASE_URL", "is not a connection string such as postgresql://user:password@host:5432/name, or its sslrootcert cannot be read")
	}
	return text
}

func (r *reader) tenants() string {
	dir := r.getenv("TENANTS_DIR")
	if dir == "" {
		if _, err := os.Stat(filepath.Join(defaultTenantsDir, "tenants.json")); err != nil {
			return ""
		}
		return defaultTenantsDir
	}
	if _, err := os.Stat(filepath.Join(dir, "tenants.json")); err != nil {
		r.fault("TENANTS_DIR", "the folder %s has no readable tenants.json", dir)
	}
	return dir
}

func (r *reader) address(name, fallback string) *url.URL {
	text := r.getenv(name)
	if text == "" {
		text = fallback
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		r.fault(name, "%q is not an address such as https://example.com, without a path", text)
		return &url.URL{}
	}
	u.Path = ""
	return u
}

func (r *reader) level() slog.Level {
	var level slog.Level
	if text := r.getenv("LOG_LEVEL"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			r.fault("LOG_LEVEL", "%q is not debug, info, warn or error", text)
		}
	}
	return level
}
