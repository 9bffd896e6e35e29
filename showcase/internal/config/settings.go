package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// defaultTenantsDir is the folder of the platform's app contract.
	defaultTenantsDir = "/etc/tenants"
	// single is the name of the only tenant without such a folder (tenants.Single).
	single = "main"
)

// Setting is one environment variable.
type Setting struct {
	Name string
	// Type says which values are allowed.
	Type string
	// Default is the value without the variable, in Markdown.
	Default string
	// Secret values are never printed. They can also be in a file, which the variable NAME_FILE names.
	Secret bool
	// Effect says in one sentence what the value changes, in Markdown.
	Effect string

	// fallback returns the value without the variable.
	fallback func(Config) string
	// set checks a value and stores it. Its error completes a sentence about the variable, and does not
	// have the value of a secret.
	set func(c *Config, text string) error
}

// Settings returns all settings, in the order in which they are read: those of Load, then those of
// LoadOffsite.
func Settings() []Setting { return slices.Concat(settings, offsiteSettings) }

// settings and offsiteSettings are the only definition of the configuration. A fallback and a set may
// use the settings above them.
var settings = []Setting{
	{
		Name: "DATABASE_URL", Type: "connection string", Default: "required", Secret: true,
		Effect:   "AgentHQ keeps all its data in this PostgreSQL database; the role must be allowed to migrate it.",
		fallback: constant(""), set: setDatabase,
	},
	whole("PORT", 9898, 65535, func(c *Config) *int { return &c.Port }, "AgentHQ serves HTTP on this TCP port."),
	{
		Name: "PUBLIC_URL", Type: "address without a path", Default: "`http://localhost:PORT`",
		Effect:   "People open this address, and invitation links begin with it; with tenants, the links have its scheme, its port and the tenant's host.",
		fallback: func(c Config) string { return fmt.Sprintf("http://localhost:%d", c.Port) }, set: setPublicURL,
	},
	{
		Name: "TENANTS_DIR", Type: "folder", Default: "`" + defaultTenantsDir + "`, if that has a `tenants.json`",
		Effect:   "This folder has the tenants' files of the platform's app contract; without it there is one tenant, `main`.",
		fallback: tenantsDir, set: setTenantsDir,
	},
	{
		Name: "PROXY_HOPS", Type: "number, 0 to 5", Default: "1 with tenants, 0 without",
		Effect:   "This many proxies in front are trusted; the sign-in throttle uses the client's address that the outermost one saw.",
		fallback: proxyHops, set: number(0, 5, func(c *Config) *int { return &c.ProxyHops }),
	},
	{
		Name: "DEMO_TENANT", Type: "tenant", Default: "none",
		Effect:   "This tenant gets sample data, public credentials, and a reset every night.",
		fallback: constant(""), set: setDemo,
	},
	{
		Name: "WEB_ANALYTICS_TOKEN", Type: "32 hexadecimal digits", Default: "none",
		Effect:   "Cloudflare Web Analytics counts the visits of the page of the host without a tenant, which needs `TENANTS_DIR`; no other page has its script.",
		fallback: constant(""), set: setWebAnalytics,
	},
	whole("TRANSACTIONS", 5, 100, func(c *Config) *int { return &c.Transactions }, "At most this many transactions run at once, over all tenants."),
	whole("TENANT_POOLS", 100, 10000, func(c *Config) *int { return &c.TenantPools }, "At most this many tenants have open connections at once."),
	whole("DATABASE_POOL", 5, 100, func(c *Config) *int { return &c.DatabasePool }, "The only tenant has at most this many connections; with tenants, the plan decides."),
	{
		Name: "LOG_LEVEL", Type: "debug, info, warn or error", Default: "info",
		Effect:   "Log lines below this level are left out; requests of probes have the level debug.",
		fallback: constant("info"), set: setLogLevel,
	},
}

func constant(text string) func(Config) string { return func(Config) string { return text } }

// whole returns the setting of a whole number from 1.
func whole(name string, fallback, high int, field func(*Config) *int, effect string) Setting {
	text := strconv.Itoa(fallback)
	return Setting{Name: name, Type: fmt.Sprintf("number, 1 to %d", high), Default: text, Effect: effect,
		fallback: constant(text), set: number(1, high, field)}
}

func number(low, high int, field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, text string) error {
		n, err := strconv.Atoi(text)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%q is not a whole number from %d to %d", text, low, high)
		}
		*field(c) = n
		return nil
	}
}

// setDatabase checks the connection string. Its parse error may contain the password, so the fault
// does not have it.
func setDatabase(c *Config, text string) error {
	c.DatabaseURL = text
	if text == "" {
		return errors.New("is missing; set it to a connection string such as postgresql://user:password@host:5432/name")
	}
	if _, err := pgxpool.ParseConfig(text); err != nil {
		return errors.New("is not a connection string such as postgresql://user:password@host:5432/name, or its sslrootcert cannot be read")
	}
	return nil
}

func setPublicURL(c *Config, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not an address such as https://example.com", text)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("has more than scheme, host and port; write it as https://example.com or https://example.com:8443")
	}
	u.Path = ""
	c.PublicURL = u
	return nil
}

func tenantsDir(Config) string {
	if _, err := os.Stat(filepath.Join(defaultTenantsDir, "tenants.json")); err != nil {
		return ""
	}
	return defaultTenantsDir
}

func setTenantsDir(c *Config, dir string) error {
	c.TenantsDir = dir
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, "tenants.json")); err != nil {
		return fmt.Errorf("the folder %s has no readable tenants.json", dir)
	}
	return nil
}

func proxyHops(c Config) string {
	if c.MultiTenant() {
		return "1"
	}
	return "0"
}

func setDemo(c *Config, tenant string) error {
	if tenant != "" && !c.MultiTenant() && tenant != single {
		return fmt.Errorf("%q is no tenant; without TENANTS_DIR the only one is %s", tenant, single)
	}
	c.DemoTenant = tenant
	return nil
}

var webAnalyticsToken = regexp.MustCompile(`^[0-9a-f]{32}$`)

func setWebAnalytics(c *Config, token string) error {
	switch {
	case token != "" && !webAnalyticsToken.MatchString(token):
		return fmt.Errorf("%q is not a token of 32 hexadecimal digits, as in the snippet that Cloudflare shows", token)
	case token != "" && !c.MultiTenant():
		return errors.New("has no effect without TENANTS_DIR, because the only page that it counts is that of the host without a tenant; remove it")
	}
	c.WebAnalyticsToken = token
	return nil
}

func setLogLevel(c *Config, text string) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("%q is not debug, info, warn or error", text)
	}
	c.LogLevel = level
	return nil
}
