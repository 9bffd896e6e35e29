package report

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
)

// Comparison is the difference between a stack file and the same file at another git
// revision.
type Comparison struct {
	Revision string `json:"revision"`
	// MonthlyCents is the total of the bill at the revision. DeltaCents is today's total
	// less that one.
	MonthlyCents budget.Cents `json:"monthlyCents"`
	DeltaCents   budget.Cents `json:"deltaCents"`
	// New is true if the revision has no such stack file.
	New bool `json:"new"`
	// Problem says why the file at the revision cannot be planned. Then there are no
	// changes.
	Problem string   `json:"problem,omitempty"`
	Changes []Change `json:"changes"`
	// Planner says why this program planned the file of the revision, instead of the program of
	// that revision, which has other code. It is empty otherwise.
	Planner string `json:"planner,omitempty"`
	// Refused has the changes of tenants that an update would refuse, each with its path.
	Refused []string `json:"refused,omitempty"`
}

// Effects of a change on a running stack. markdown.go sorts by them.
const (
	// Replaces deletes something and creates it again.
	Replaces = "replaces"
	// Refused stops the update; nothing is changed.
	Refused = "refused"
	// Resize needs `ops resize` before the update.
	Resize = "resize"
	// OneWay happens in place and cannot be undone.
	OneWay = "one way"
	// InPlace happens in place and can be undone.
	InPlace = "in place"
)

// Change is one difference.
type Change struct {
	// What names the setting or the tenant.
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Effect is one of the effects above, such as Replaces.
	Effect string `json:"effect"`
	// Note explains the effect for this change. It may be empty.
	Note string `json:"note,omitempty"`
}

// Compare compares a stack with the same stack at a revision. before is nil if the
// revision has no such stack file.
func Compare(now Stack, before *Stack, revision string) *Comparison {
	c := &Comparison{Revision: revision, New: before == nil, DeltaCents: now.MonthlyCents, Changes: []Change{}}
	if before == nil {
		return c
	}
	c.MonthlyCents, c.DeltaCents = before.MonthlyCents, now.MonthlyCents-before.MonthlyCents
	c.sizes(before, now)
	c.immovable(before.settings, now.settings)
	c.updatable(before.settings, now.settings)
	c.tenants(before.settings, now.settings)
	return c
}

// PlannedAs returns the stack with the sizes and the bill of another plan of the same file.
func (s Stack) PlannedAs(other Stack) Stack {
	other.settings = s.settings
	return other
}

// addIfDifferent adds a change unless before and after are equal.
func (c *Comparison) addIfDifferent(what string, before, after any, effect, note string) {
	if before != after {
		c.Changes = append(c.Changes, Change{what, fmt.Sprint(before), fmt.Sprint(after), effect, note})
	}
}

// sizes adds the changes of sizes. Another kind of cluster or database is a change of its own
// (immovable), because the sizes on its two sides are not of the same thing.
func (c *Comparison) sizes(before *Stack, now Stack) {
	if before.settings.Cluster.Kind == now.settings.Cluster.Kind {
		c.nodes(before, now)
	}
	if before.settings.Database.Kind == now.settings.Database.Kind {
		c.database(before, now)
	}
}

func (c *Comparison) nodes(before *Stack, now Stack) {
	c.addIfDifferent("node size", before.Nodes.Size, now.Nodes.Size, Resize,
		"run `go run ./cmd/ops resize -stack "+now.Name+"` first: it replaces the nodes and keeps the cluster; an update without it is refused")
	c.addIfDifferent("node count", before.Nodes.Count, now.Nodes.Count, InPlace, "")
}

func (c *Comparison) database(before *Stack, now Stack) {
	effect, note := OneWay, "a database can grow, but not shrink"
	if catalog.IsSmallerDatabase(now.Database.Size, before.Database.Size) {
		note = "DigitalOcean refuses to shrink a database; create a smaller one and restore a backup into it"
		effect = Replaces
	}
	c.addIfDifferent("database size", before.Database.Size, now.Database.Size, effect, note)
	c.addIfDifferent("database nodes", before.Database.Nodes, now.Database.Nodes, InPlace, "")
}

// immovable adds the changes of settings that the provider cannot change in place.
func (c *Comparison) immovable(before, now settings.Settings) {
	c.addIfDifferent("region", before.Region, now.Region, Refused, "a running cluster cannot move; create a second stack there and destroy this one")
	for _, r := range [][3]string{
		{"network.vpc", before.Network.VPC, now.Network.VPC}, {"network.pods", before.Network.Pods, now.Network.Pods},
		{"network.services", before.Network.Services, now.Network.Services},
	} {
		c.addIfDifferent(r[0], r[1], r[2], Refused, "address ranges cannot change after the cluster is created")
	}
	c.addIfDifferent("zone", before.Zone, now.Zone, Replaces, "every record is deleted in the old zone and created in the new one")
	c.addIfDifferent("domain", before.Domain, now.Domain, Replaces, "records and certificate are created again; the old hosts stop answering")
	c.addIfDifferent("cluster kind", before.Cluster.Kind, now.Cluster.Kind, Replaces, "everything is created again in the other cluster")
	c.addIfDifferent("database kind", before.Database.Kind, now.Database.Kind, Replaces, "the app gets another database, without the data")
}

// updatable adds the changes of settings that an update changes in place.
func (c *Comparison) updatable(before, now settings.Settings) {
	c.addIfDifferent("database version", before.Database.Version, now.Database.Version, OneWay, "a major upgrade in place, with a pause; it cannot be undone")
	c.addIfDifferent("HA control plane", before.Cluster.HA, now.Cluster.HA, oneWayUnless(before.Cluster.HA), "it cannot be turned off once it is on")
	upgrade := "nodes are replaced one by one"
	// Both are 1 and two digits, which settings.Load checked.
	older := now.Cluster.Version < before.Cluster.Version
	if older {
		upgrade = "a cluster cannot be downgraded"
	}
	c.addIfDifferent("cluster version", before.Cluster.Version, now.Cluster.Version, oneWayUnless(older), upgrade)
	c.addIfDifferent("protect", before.Protect, now.Protect, InPlace, "it protects the cluster and the database from deletion")
	c.addIfDifferent("issuer", before.Certificates.Issuer, now.Certificates.Issuer, InPlace, "the certificate is ordered again")
	c.addIfDifferent("image", before.App.Image, now.App.Image, InPlace, "")
	c.addIfDifferent("concurrent users", before.Capacity.ConcurrentUsers, now.Capacity.ConcurrentUsers, InPlace, "")
	c.addIfDifferent("limit", before.Budget.MonthlyUSD, now.Budget.MonthlyUSD, InPlace, "")
}

// oneWayUnless returns OneWay, or Refused if an update refuses the change.
func oneWayUnless(refused bool) string {
	if refused {
		return Refused
	}
	return OneWay
}
