package settings

import (
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/names"
)

// MaxTenants is how many a stack may declare: their connection strings are one
// Kubernetes Secret, which holds a mebibyte.
const MaxTenants = 1000

// Archive is where the data of archived tenants goes.
type Archive struct {
	// VolumeGiB is the volume that keeps their dumps ($0.10 a GiB). Default 0: no
	// volume, and so no tenant may be archived.
	VolumeGiB int `yaml:"volumeGiB"`
}

// Tenant is a customer with a host, a database role and a schema of its own.
type Tenant struct {
	// Name is a DNS label: the host is <name>.<domain>, role and schema are
	// tenant_<name> with hyphens turned to underscores. It cannot change.
	Name string `yaml:"name"`
	// Plan bounds what it may use: "starter" (default), "growth" or "enterprise".
	Plan string `yaml:"plan"`
	// State is "active" (default), "suspended" (no login, its host answers 503),
	// "archived" (suspended, and its schema dumped to the archive volume) or
	// "purged" (role and schema dropped; only from archived).
	State string `yaml:"state"`
	// SampleData fills an empty schema with a few customers and orders.
	SampleData bool `yaml:"sampleData"`
	// Restore fills an empty schema from the tenant's newest archive.
	Restore bool `yaml:"restore"`
	// ConfirmPurge repeats the name of a tenant to be purged.
	ConfirmPurge string `yaml:"confirmPurge"`
	// PasswordVersion counts up to give the role another password. Default 1.
	PasswordVersion int `yaml:"passwordVersion"`
	// OwnsSchema lets the app's sessions of this tenant change its schema: create and
	// drop tables, functions and so on. Default false: they read and write rows, and
	// migrations come from the app's own role. It is for tools that need it, and has a
	// risk (docs/tenancy.md).
	OwnsSchema bool `yaml:"ownsSchema"`
	// RenamedFrom is refused: it is here to say how a tenant gets another name.
	RenamedFrom string `yaml:"renamedFrom"`
}

// States of a tenant.
const (
	Active    = "active"
	Suspended = "suspended"
	Archived  = "archived"
	Purged    = "purged"
)

// Plan is what a tenant may use.
type Plan struct {
	Name string
	// PoolSize is how many of a pooler's server connections the tenant uses at once.
	PoolSize int
	// Reserved is how many of them each pooler keeps for the tenant alone. Zero means
	// that the tenant shares those that nobody reserved.
	Reserved int
	// Connections is the limit of the role in the database: PoolSize in each of
	// Poolers, and one more, as a connection that a client dropped during a statement
	// lives until the statement ends.
	Connections int
	// StorageMiB is its part of the database's disk, tables and indexes.
	StorageMiB int
	// StatementSeconds is when a statement is ended, unless its session asks for
	// another time.
	StatementSeconds int
	// RequestsPerSecond on the tenant's host, with Burst more at once.
	RequestsPerSecond, Burst int
}

// Poolers is how many poolers run at most at the same time: two where a stack
// survives the loss of a node, otherwise one and its successor during an update.
const Poolers = 2

// Plans from the smallest.
var Plans = []Plan{
	{Name: "starter", PoolSize: 1, Connections: 3, StorageMiB: 64, StatementSeconds: 15, RequestsPerSecond: 10, Burst: 50},
	{Name: "growth", PoolSize: 2, Connections: 5, StorageMiB: 512, StatementSeconds: 30, RequestsPerSecond: 50, Burst: 250},
	{Name: "enterprise", PoolSize: 2, Reserved: 2, Connections: 5, StorageMiB: 2048, StatementSeconds: 60, RequestsPerSecond: 200, Burst: 1000},
}

// Host is where the tenant's users go, below the stack's domain.
func (t Tenant) Host(domain string) string { return t.Name + "." + domain }

// LogsIn reports whether the tenant's role may log in; it has a connection string
// then.
func (t Tenant) LogsIn() bool { return t.State == Active }

// Limits are those of the tenant's plan.
func (t Tenant) Limits() Plan {
	for _, p := range Plans {
		if p.Name == t.Plan {
			return p
		}
	}
	return Plans[0]
}

// Reserved is how many server connections all poolers together keep for the tenant:
// none unless it is active.
func (t Tenant) Reserved() int {
	if t.State != Active {
		return 0
	}
	return t.Limits().Reserved * Poolers
}

// ActiveTenants counts those that may log in.
func (s Settings) ActiveTenants() int {
	active := 0
	for _, t := range s.Tenants {
		if t.State == Active {
			active++
		}
	}
	return active
}

// WithDefaults is the tenant with what its entry left out.
func (t Tenant) WithDefaults() Tenant {
	or(&t.Plan, Plans[0].Name)
	or(&t.State, Active)
	or(&t.PasswordVersion, 1)
	return t
}

func (s Settings) validateTenants(f *Faults) {
	if s.Archive.VolumeGiB != 0 {
		atLeast(f, "archive.volumeGiB", s.Archive.VolumeGiB, 1)
	}
	if len(s.Tenants) > MaxTenants {
		f.add("tenants", "are %d, and a stack holds at most %d; make another stack", len(s.Tenants), MaxTenants)
	}
	seen := map[string]int{}
	for i, tenant := range s.Tenants {
		path := fmt.Sprintf("tenants[%d]", i)
		if err := names.Tenant(tenant.Name); err != nil {
			f.add(path+".name", "%v", err)
		}
		if first, ok := seen[names.SQL(tenant.Name)]; ok {
			f.add(path+".name", "%q is taken by tenants[%d]", tenant.Name, first)
		} else {
			seen[names.SQL(tenant.Name)] = i
		}
		if host := tenant.Host(s.Domain); len(host) > 253 {
			f.add(path+".name", "makes a host of %d characters, and a host has at most 253", len(host))
		}
		tenant.validate(f, path, s.Archive)
	}
}

func (t Tenant) validate(f *Faults, path string, archive Archive) {
	var plans []string
	for _, p := range Plans {
		plans = append(plans, p.Name)
	}
	oneOf(f, path+".plan", t.Plan, plans...)
	oneOf(f, path+".state", t.State, Active, Suspended, Archived, Purged)
	atLeast(f, path+".passwordVersion", t.PasswordVersion, 1)
	if t.RenamedFrom != "" {
		f.add(path+".renamedFrom", "a tenant cannot be renamed in place; docs/tenancy.md says how its data moves to a new name")
	}
	needsArchive := t.Restore || slices.Contains([]string{Archived, Purged}, t.State)
	if needsArchive && archive.VolumeGiB == 0 {
		f.add(path, "archiving, purging and restoring need a volume for the dump; set settings.archive.volumeGiB (5 GiB are $0.50 a month)")
	}
	t.validateState(f, path)
}

// validateState holds the wishes of an entry against its state.
func (t Tenant) validateState(f *Faults, path string) {
	switch {
	case t.State == Purged && t.ConfirmPurge != t.Name:
		f.add(path+".confirmPurge", "purging drops the data of %q; to mean it, write confirmPurge: %s", t.Name, t.Name)
	case t.State != Purged && t.ConfirmPurge != "":
		f.add(path+".confirmPurge", "goes with state: purged alone")
	}
	if t.Restore && t.State != Active {
		f.add(path+".restore", "goes with state: active alone")
	}
}
