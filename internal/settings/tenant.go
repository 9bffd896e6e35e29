package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/components"
)

// MaxTenants is how many a stack may declare: their connection strings are one
// Kubernetes Secret, which holds a mebibyte.
const MaxTenants = 1000

// Archive is the volume for the dumps of archived tenants.
type Archive struct {
	// VolumeGiB is the size of the volume, in GiB. With 0 there is none, and no tenant
	// can be archived, purged or restored.
	// Default: 0.
	// Cost: $0.10 a GiB a month.
	// Change: larger in place; a volume cannot shrink.
	VolumeGiB int `yaml:"volumeGiB"`
}

// Tenant is a customer with a host, a database role and a schema. docs/tenancy.md
// describes what an entry makes, and how a tenant ends.
type Tenant struct {
	// Name is the first label of the host `<name>.<domain>`. Role and schema are called
	// `tenant_<name>`, with underscores for hyphens. Required.
	// Values: a DNS label that is not reserved, such as acme.
	// Change: write the old name into renamedFrom; otherwise it is refused.
	Name string `yaml:"name"`
	// Plan is the tenant's tier: its connections, storage, statement time and rate.
	// Default: starter.
	// Values: starter, growth, enterprise.
	// Cost: tiers with more storage or reserved connections need a larger database earlier.
	// Change: in place.
	Plan string `yaml:"plan"`
	// State is what the tenant may do. Suspended: no login, and its host answers 503.
	// Archived: suspended, and its schema is dumped to the archive volume. Purged: roles
	// and schema are dropped; the dump stays.
	// Default: active.
	// Values: active, suspended, archived, purged.
	// Change: in place; purged only after an update with archived.
	State string `yaml:"state"`
	// SampleData fills an empty schema with a few customers and orders.
	// Default: false.
	// Change: fills the schema if it is empty; nothing is deleted.
	SampleData bool `yaml:"sampleData"`
	// Restore brings a purged tenant back from its newest archive. It may stay in the
	// stack file.
	// Default: false.
	// Change: has an effect once, after a purge.
	Restore bool `yaml:"restore"`
	// Fresh brings a purged tenant back with an empty schema; the archive stays. It may
	// stay in the stack file.
	// Default: false.
	// Change: has an effect once, after a purge.
	Fresh bool `yaml:"fresh"`
	// ConfirmPurge repeats the tenant's name, with state: purged alone.
	// Default: empty.
	// Change: goes with state: purged.
	ConfirmPurge string `yaml:"confirmPurge"`
	// PasswordVersion counts up to give the tenant's role another password.
	// Default: 1.
	// Change: the old connection string stops working.
	PasswordVersion int `yaml:"passwordVersion"`
	// OwnsSchema lets the app's sessions of this tenant change its schema: create and
	// drop tables, functions and so on. Otherwise they read and write rows, and
	// migrations come from the app's own role. It is for tools that need it, and has a
	// risk (docs/tenancy.md).
	// Default: false.
	// Change: in place.
	OwnsSchema bool `yaml:"ownsSchema"`
	// RenamedFrom is the name that the tenant has until this update. It may stay in the
	// stack file without further effect.
	// Default: empty.
	// Change: schema, roles and host get the new name; the password changes.
	RenamedFrom string `yaml:"renamedFrom"`
	// RedirectOldHost redirects the host of RenamedFrom to the new one as long as it is
	// set: 301 to a GET, 308 to other methods.
	// Default: false.
	// Change: in place.
	RedirectOldHost bool `yaml:"redirectOldHost"`
	// Life counts the tenants that had this name, from 1; 0 means 1. Each life has
	// another password. It is not in the stack file.
	Life int `yaml:"-"`
}

// States of a tenant.
const (
	Active    = "active"
	Suspended = "suspended"
	Archived  = "archived"
	Purged    = "purged"
)

// Tier is what a tenant may use.
type Tier struct {
	Name string
	// PoolSize is how many of a pooler's server connections the tenant uses at once.
	PoolSize int
	// Reserved is how many of them each pooler keeps for the tenant alone. Zero means
	// that the tenant uses the shared ones.
	Reserved int
	// StorageMiB is the tenant's share of the database's disk: tables and indexes.
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

// Tiers are all tiers, the smallest first.
var Tiers = []Tier{
	{Name: "starter", PoolSize: 1, StorageMiB: 64, StatementSeconds: 15, RequestsPerSecond: 10, Burst: 50},
	{Name: "growth", PoolSize: 2, StorageMiB: 512, StatementSeconds: 30, RequestsPerSecond: 50, Burst: 250},
	{Name: "enterprise", PoolSize: 2, Reserved: 2, StorageMiB: 2048, StatementSeconds: 60, RequestsPerSecond: 200, Burst: 1000},
}

// Connections is the limit of the role in the database: PoolSize in each of Poolers,
// and one more, as a connection that a client dropped during a statement lives until
// the statement ends.
func (t Tier) Connections() int { return t.PoolSize*Poolers + 1 }

// Host is where the tenant's users go, below the stack's domain.
func (t Tenant) Host(domain string) string { return t.Name + "." + domain }

// OldHost is where its users went before it was renamed.
func (t Tenant) OldHost(domain string) string { return Tenant{Name: t.RenamedFrom}.Host(domain) }

// LogsIn reports whether the tenant's role may log in; it has a connection string
// then.
func (t Tenant) LogsIn() bool { return t.State == Active }

// Tier returns the tier that the tenant's plan names. A plan that no tier has gives the
// zero Tier, which allows nothing; CheckTiers reports it.
func (t Tenant) Tier() Tier {
	for _, tier := range Tiers {
		if tier.Name == t.Plan {
			return tier
		}
	}
	return Tier{}
}

// CheckTiers returns an error for each tenant whose plan is no tier, with the tiers that
// there are. Load has checked this; it is for tenants that a program declares itself.
func CheckTiers(tenants []Tenant) error {
	var errs []error
	for i, t := range tenants {
		if t.Tier() == (Tier{}) {
			errs = append(errs, fmt.Errorf("tenants[%d].plan: %q is no tier; the tiers are %s", i, t.Plan, strings.Join(tierNames(), ", ")))
		}
	}
	return errors.Join(errs...)
}

func tierNames() []string {
	var out []string
	for _, tier := range Tiers {
		out = append(out, tier.Name)
	}
	return out
}

// Reserved is how many server connections all poolers together keep for the tenant:
// none unless it is active.
func (t Tenant) Reserved() int {
	if t.State != Active {
		return 0
	}
	return t.Tier().Reserved * Poolers
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

// TenantsOf returns what a program declared for a component, with defaults.
func TenantsOf(declared []components.Tenant) []Tenant {
	out := make([]Tenant, len(declared))
	for i, t := range declared {
		out[i] = Tenant(t).WithDefaults()
	}
	return out
}

// ForComponents returns the tenants as components take them.
func ForComponents(tenants []Tenant) []components.Tenant {
	out := make([]components.Tenant, len(tenants))
	for i, t := range tenants {
		out[i] = components.Tenant(t)
	}
	return out
}

// WithDefaults is the tenant with what its entry left out.
func (t Tenant) WithDefaults() Tenant {
	or(&t.Plan, Tiers[0].Name)
	or(&t.State, Active)
	or(&t.PasswordVersion, 1)
	return t
}
