// Package tenants knows the tenants of the process: which host belongs to which, and how to
// reach each one's data. A tenant's rows are read and written with its own database role only.
package tenants

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// Single is the name of the only tenant in single-tenant mode.
const Single = "main"

// Tenant is a customer with a schema of its own.
type Tenant struct {
	Name   string `json:"name"`
	Host   string `json:"host"`
	Plan   string `json:"plan"`
	State  string `json:"state"`
	Role   string `json:"role"`
	Schema string `json:"schema"`
	// url is the connection string of the tenant's role. It is secret.
	url string
}

// Active reports whether the tenant may be served.
func (t Tenant) Active() bool { return t.State == "active" }

// URL returns the connection string of the tenant's role. It is secret, and empty if the platform has
// not given it yet.
func (t Tenant) URL() string { return t.url }

// Owner returns the role that owns the tenant's schema. It is empty in single-tenant mode,
// where the login of DATABASE_URL owns all tables.
func (t Tenant) Owner() string {
	if t.Schema == "" {
		return ""
	}
	return "owner_" + strings.ReplaceAll(t.Name, "-", "_")
}

// Registry has the tenants of a folder. Reload reads the folder again.
type Registry struct {
	dir    string
	single *Tenant
	byHost atomic.Pointer[map[string]Tenant]
}

// Open reads the tenants of the folder dir.
func Open(dir string) (*Registry, error) {
	r := &Registry{dir: dir}
	return r, r.Reload()
}

// OpenSingle returns a registry with one tenant, which answers on every host.
func OpenSingle(url string) *Registry {
	return &Registry{single: &Tenant{Name: Single, Plan: "self-hosted", State: "active", url: url}}
}

// Reload reads the folder again. If tenants.json cannot be read, the tenants stay as they were. A
// tenant whose connection string is not there yet has none, and Pools refuses it.
func (r *Registry) Reload() error {
	if r.single != nil {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(r.dir, "tenants.json"))
	if err != nil {
		return fmt.Errorf("read the tenants: %w", err)
	}
	var list []Tenant
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("tenants.json: %w", err)
	}
	byHost := map[string]Tenant{}
	var faults []error
	for _, t := range list {
		if t.Name == "" || t.Host == "" || t.Schema == "" || t.Role == "" || t.Name != filepath.Base(t.Name) {
			faults = append(faults, fmt.Errorf("tenants.json: the entry %q needs name, host, role and schema", t.Name))
			continue
		}
		if t.Active() {
			url, err := os.ReadFile(filepath.Join(r.dir, t.Name+".url"))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				faults = append(faults, err)
			}
			t.url = strings.TrimSpace(string(url))
		}
		byHost[strings.ToLower(t.Host)] = t
	}
	r.byHost.Store(&byHost)
	return errors.Join(faults...)
}

// ByHost returns the tenant of a Host header, with or without a port.
func (r *Registry) ByHost(host string) (Tenant, bool) {
	if r.single != nil {
		return *r.single, true
	}
	t, ok := (*r.byHost.Load())[HostName(host)]
	return t, ok
}

// HostName returns the name or the address in a Host header: in lower case, without a port, the dot of
// the root, and the brackets of IPv6.
func HostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// ByName returns the tenant with a name.
func (r *Registry) ByName(name string) (Tenant, bool) {
	for _, t := range r.All() {
		if t.Name == name {
			return t, true
		}
	}
	return Tenant{}, false
}

// All returns all tenants, sorted by name.
func (r *Registry) All() []Tenant {
	if r.single != nil {
		return []Tenant{*r.single}
	}
	return slices.SortedFunc(maps.Values(*r.byHost.Load()), func(a, b Tenant) int { return strings.Compare(a.Name, b.Name) })
}
