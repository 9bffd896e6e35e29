package report

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
)

// Comparison is what became of a stack since another revision.
type Comparison struct {
	Revision     string       `json:"revision"`
	MonthlyCents budget.Cents `json:"monthlyCents"`
	DeltaCents   budget.Cents `json:"deltaCents"`
	// New says that the stack was not there; Problem that its file was faulty then.
	New     bool     `json:"new"`
	Problem string   `json:"problem,omitempty"`
	Changes []Change `json:"changes"`
	// Refused are changes of tenants that an update would refuse, each with its path.
	Refused []string `json:"refused,omitempty"`
}

// Effects of a change beyond its price.
const (
	// Replaces makes something anew.
	Replaces = "replaces"
	// Refused stops an update of a running stack.
	Refused = "refused"
	// Resize needs `ops resize` before the update.
	Resize  = "resize"
	OneWay  = "one way"
	InPlace = "in place"
)

// Change is one thing that differs.
type Change struct {
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Effect is one of the constants above; Note says what that means here.
	Effect string `json:"effect"`
	Note   string `json:"note,omitempty"`
}

// Compare holds a stack against what it was at a revision; nil was nothing.
func Compare(now Stack, before *Stack, revision string) *Comparison {
	c := &Comparison{Revision: revision, New: before == nil, DeltaCents: now.MonthlyCents, Changes: []Change{}}
	if before == nil {
		return c
	}
	c.MonthlyCents, c.DeltaCents = before.MonthlyCents, now.MonthlyCents-before.MonthlyCents
	c.sizes(before, now)
	c.places(before.settings, now.settings)
	c.rest(before.settings, now.settings)
	c.tenants(before.settings, now.settings)
	return c
}

func (c *Comparison) differ(what string, before, after any, effect, note string) {
	if before != after {
		c.Changes = append(c.Changes, Change{what, fmt.Sprint(before), fmt.Sprint(after), effect, note})
	}
}

func (c *Comparison) sizes(before *Stack, now Stack) {
	c.differ("node size", before.Nodes.Size, now.Nodes.Size, Resize,
		"run `go run ./cmd/ops resize -stack "+now.Name+"` first: it exchanges the nodes and keeps the cluster; an update alone is refused")
	c.differ("node count", before.Nodes.Count, now.Nodes.Count, InPlace, "")
	effect, note := OneWay, "a database can grow and never shrink"
	if smaller(now.Database.Size, before.Database.Size) {
		note = "DigitalOcean refuses to shrink a database; a smaller one is a new one, restored from a backup"
		effect = Replaces
	}
	c.differ("database size", before.Database.Size, now.Database.Size, effect, note)
	c.differ("database nodes", before.Database.Nodes, now.Database.Nodes, InPlace, "")
}

// smaller compares sizes of the catalogue by price.
func smaller(a, b string) bool {
	first, errA := catalog.DatabaseBySize(a)
	second, errB := catalog.DatabaseBySize(b)
	return errA == nil && errB == nil && first.Unit < second.Unit
}

// places are where things are: they do not move, they are made anew.
func (c *Comparison) places(before, now settings.Settings) {
	c.differ("region", before.Region, now.Region, Refused, "a running cluster does not move; bring up a second stack and take this one down")
	for _, r := range [][3]string{
		{"network.vpc", before.Network.VPC, now.Network.VPC}, {"network.pods", before.Network.Pods, now.Network.Pods},
		{"network.services", before.Network.Services, now.Network.Services},
	} {
		c.differ(r[0], r[1], r[2], Refused, "address ranges are fixed when the cluster is created")
	}
	c.differ("zone", before.Zone, now.Zone, Replaces, "every record is deleted in the old zone and made in the new one")
	c.differ("domain", before.Domain, now.Domain, Replaces, "records and certificate are made anew; the old hosts stop answering")
	c.differ("cluster kind", before.Cluster.Kind, now.Cluster.Kind, Replaces, "everything moves to another cluster")
	c.differ("database kind", before.Database.Kind, now.Database.Kind, Replaces, "the app finds another database, without the data")
}

func (c *Comparison) rest(before, now settings.Settings) {
	c.differ("database version", before.Database.Version, now.Database.Version, OneWay, "a major upgrade, in place, with a pause; it does not go back")
	c.differ("HA control plane", before.Cluster.HA, now.Cluster.HA, OneWay, "it cannot be turned off again")
	c.differ("cluster version", before.Cluster.Version, now.Cluster.Version, OneWay, "nodes are replaced one by one")
	c.differ("protect", before.Protect, now.Protect, InPlace, "what guards cluster and database from deletion")
	c.differ("issuer", before.Certificates.Issuer, now.Certificates.Issuer, InPlace, "the certificate is ordered anew")
	c.differ("image", before.App.Image, now.App.Image, InPlace, "")
	c.differ("concurrent users", before.Capacity.ConcurrentUsers, now.Capacity.ConcurrentUsers, InPlace, "")
	c.differ("limit", before.Budget.MonthlyUSD, now.Budget.MonthlyUSD, InPlace, "the budget itself")
}
