package settings

import (
	"errors"
	"fmt"
	"strings"

	"github.com/genericcorp/platform/components"
)

// MaxTenants is the most tenants that a stack may declare. Their connection strings are in
// one Kubernetes Secret, which can have 1 MiB.
const MaxTenants = 1000

// Archive is the volume for the dumps of archived tenants.
type Archive struct {
	// VolumeGiB is the size of the volume, in GiB. With 0 there is none, and no tenant
	// can be archived, purged or restored.
	// Default: 0.
	// Cost: $0.10 a GiB a month.
	// Change: larger in place; a volume cannot shrink.
	VolumeGiB int `yaml:"volumeGiB"`
	// AtLeastGiB is the size of the volume that exists; 0 if there is none.
	AtLeastGiB int `yaml:"-"`
}

// Tenant is a customer with a host, a database role and a schema. docs/tenancy.md describes
// what an entry creates, and how to remove a tenant.
type Tenant struct {
	// Name is the first label of the host `<name>.<domain>`. The role and the schema are
	// called `tenant_<name>`, with underscores for hyphens. Required.
	// Values: a DNS label that is not reserved, such as acme.
	// Change: write the old name into renamedFrom; otherwise it is refused.
	Name string `yaml:"name"`
	// Plan is the tenant's tier: its connections, storage, statement time and rate.
	// Default: starter.
	// Values: starter, growth, enterprise.
	// Cost: tiers with more storage or reserved connections need a larger database earlier.
	// Change: in place.
	Plan string `yaml:"plan"`
	// State says what the tenant may do. Active: all that its tier allows. Suspended: no
	// login, and its host answers 503.
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
	// Restore creates a purged tenant again, with the data of its newest archive. The line
	// may stay in the stack file.
	// Default: false.
	// Change: has an effect once, after a purge.
	Restore bool `yaml:"restore"`
	// Fresh creates a purged tenant again, with an empty schema. The archive stays. The line
	// may stay in the stack file.
	// Default: false.
	// Change: has an effect once, after a purge.
	Fresh bool `yaml:"fresh"`
	// ConfirmPurge repeats the tenant's name, to confirm that its data may be dropped. It is
	// needed with `state: purged` and refused with any other state.
	// Default: empty.
	// Change: none by itself; see state.
	ConfirmPurge string `yaml:"confirmPurge"`
	// PasswordVersion is a number that you raise to give the tenant's role a new password.
	// Default: 1.
	// Change: the old connection string stops working.
	PasswordVersion int `yaml:"passwordVersion"`
	// OwnsSchema lets the tenant's own sessions change its schema: create and drop tables,
	// functions and so on. Without it they only read and write rows, and the app's own role
	// runs migrations. Set it only for tools that need it; docs/tenancy.md explains the risk.
	// Default: false.
	// Change: in place.
	OwnsSchema bool `yaml:"ownsSchema"`
	// RenamedFrom is the name that the tenant had before this update. The line may stay in
	// the stack file; it has no effect later.
	// Default: empty.
	// Change: schema, roles and host get the new name; the password changes.
	RenamedFrom string `yaml:"renamedFrom"`
	// RedirectOldHost redirects the host of RenamedFrom to the new one as long as it is set:
	// with 301 for a GET, with 308 for other methods.
	// Default: false.
	// Change: in place.
	RedirectOldHost bool `yaml:"redirectOldHost"`
	// Life counts the tenants that had this name, from 1; 0 means 1. A tenant that is
	// created again after a purge has the next number, and so another password. It is not in
	// the stack file.
	Life int `yaml:"-"`
}

// Values of Tenant.State.
const (
	Active    = "active"
	Suspended = "suspended"
	Archived  = "archived"
	Purged    = "purged"
)

// Tier is the set of limits that a tenant's plan names.
type Tier struct {
	// Name is the tier's name in the stack file.
	Name string
	// PoolSize is how many server connections of each pooler the tenant may use at once.
	PoolSize int
	// Reserved is how many of these each pooler reserves for the tenant. With 0 the tenant
	// uses the shared connections.
	Reserved int
	// StorageMiB is the tenant's share of the database's disk for tables and indexes, in MiB.
	StorageMiB int
	// StatementSeconds is the time after which the server cancels a statement. A session may
	// set another time.
	StatementSeconds int
	// RequestsPerSecond is the rate that the tenant's host allows; Burst is how many more
	// requests it allows at once.
	RequestsPerSecond, Burst int
}

// Poolers is the most poolers that run at the same time. A stack that survives the loss of a
// node has two. Any other has one, and a second one during an update.
const Poolers = 2

// Tiers are all tiers, the smallest first.
var Tiers = []Tier{
	{Name: "starter", PoolSize: 1, StorageMiB: 64, StatementSeconds: 15, RequestsPerSecond: 10, Burst: 50},
	{Name: "growth", PoolSize: 2, StorageMiB: 512, StatementSeconds: 30, RequestsPerSecond: 50, Burst: 250},
	{Name: "enterprise", PoolSize: 2, Reserved: 2, StorageMiB: 2048, StatementSeconds: 60, RequestsPerSecond: 200, Burst: 1000},
}

// Connections returns the connection limit of the role in the database: PoolSize for each of
// Poolers, and one more. If a client disconnects during a statement, its server connection
// stays until the statement ends.
func (t Tier) Connections() int { return t.PoolSize*Poolers + 1 }

// Host returns the tenant's host name below the stack's domain.
func (t Tenant) Host(domain string) string { return t.Name + "." + domain }

// OldHost returns the host name that the tenant had before it was renamed.
func (t Tenant) OldHost(domain string) string { return Tenant{Name: t.RenamedFrom}.Host(domain) }

// LogsIn reports whether the tenant's role may log in. Such a tenant has a connection
// string.
func (t Tenant) LogsIn() bool { return t.State == Active }

// HasSchema reports whether the tenant's schema is in the database. Only a purge drops it.
func (t Tenant) HasSchema() bool { return t.State != Purged }

// Tier returns the tier that the tenant's plan names. If there is none it returns the zero
// Tier, which allows nothing. CheckTiers returns an error for such a plan.
func (t Tenant) Tier() Tier {
	for _, tier := range Tiers {
		if tier.Name == t.Plan {
			return tier
		}
	}
	return Tier{}
}

// CheckTiers returns one error for each tenant whose plan is not the name of a tier. Load
// makes this check too, so CheckTiers is for tenants that do not come from a stack file.
func CheckTiers(tenants []Tenant) error {
	var errs []error
	for i, t := range tenants {
		if t.Tier() == (Tier{}) {
			errs = append(errs, fmt.Errorf("tenants[%d].plan: %q is not a tier; the tiers are %s", i, t.Plan, strings.Join(tierNames(), ", ")))
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

// Reserved returns how many server connections all poolers together reserve for the tenant.
// It is 0 for a tenant that is not active.
func (t Tenant) Reserved() int {
	if t.State != Active {
		return 0
	}
	return t.Tier().Reserved * Poolers
}

// ActiveTenants returns the number of tenants that may log in.
func (s Settings) ActiveTenants() int {
	active := 0
	for _, t := range s.Tenants {
		if t.State == Active {
			active++
		}
	}
	return active
}

// TenantsOf returns the tenants of a component's Args, with defaults.
func TenantsOf(declared []components.Tenant) []Tenant {
	out := make([]Tenant, len(declared))
	for i, t := range declared {
		out[i] = Tenant(t).WithDefaults()
	}
	return out
}

// ForComponents returns the tenants in the type of the components' Args.
func ForComponents(tenants []Tenant) []components.Tenant {
	out := make([]components.Tenant, len(tenants))
	for i, t := range tenants {
		out[i] = components.Tenant(t)
	}
	return out
}

// WithDefaults returns the tenant with the default of each field that its entry left out.
func (t Tenant) WithDefaults() Tenant {
	setDefault(&t.Plan, Tiers[0].Name)
	setDefault(&t.State, Active)
	setDefault(&t.PasswordVersion, 1)
	return t
}
