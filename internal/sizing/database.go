package sizing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// checkExternal returns an error if an external database admits fewer connections than
// the stack needs.
func checkExternal(s settings.Settings, set workload.Set) error {
	if need := connections(s, set); need > s.Database.Connections {
		return fmt.Errorf("settings.database.connections: the stack needs %d connections, and the database admits %d",
			need, s.Database.Connections)
	}
	return nil
}

// demand is what a stack needs of a managed database.
type demand struct {
	connections, storageMiB int
	// nodes is 2 with a standby node.
	nodes int
}

func demandOf(s settings.Settings, set workload.Set) demand {
	_, mib := storage(s)
	d := demand{connections: connections(s, set), storageMiB: mib, nodes: 1}
	if s.Database.Standby {
		d.nodes = 2
	}
	return d
}

// unmet returns what the stack needs and a size lacks. Each text continues "a size that".
func (d demand) unmet(size catalog.Database) []string {
	var out []string
	if size.Connections < d.connections {
		out = append(out, fmt.Sprintf("admits %d connections", d.connections))
	}
	if size.TenantsMiB() < d.storageMiB {
		out = append(out, fmt.Sprintf("has %d MiB for tenants", d.storageMiB))
	}
	if size.MaxNodes < d.nodes {
		out = append(out, "allows a standby node")
	}
	return out
}

// chooseDatabase returns the pinned size, or else the cheapest size that meets the demand
// of the stack.
func chooseDatabase(s settings.Settings, set workload.Set) (Database, catalog.Database, error) {
	need, sizes := demandOf(s, set), catalog.Databases()
	if s.Database.Size != "" {
		pinned, err := catalog.DatabaseBySize(s.Database.Size)
		if err != nil {
			return Database{}, catalog.Database{}, fmt.Errorf("settings.database.size: %w", err)
		}
		if len(need.unmet(pinned)) > 0 {
			return Database{}, catalog.Database{}, pinnedTooSmall(need, pinned)
		}
		sizes = []catalog.Database{pinned}
	}
	for _, size := range sizes {
		if len(need.unmet(size)) == 0 && !catalog.IsSmallerDatabase(size.SKU, s.Database.AtLeast) {
			return Database{Size: size.SKU, Nodes: need.nodes}, size, nil
		}
	}
	largest := sizes[len(sizes)-1]
	msg := "no database size " + strings.Join(need.unmet(largest), " and ")
	if largest.Connections < need.connections {
		msg += fmt.Sprintf("; lower settings.app.databasePool (%d for each of %d replicas and %d more in a rolling update)",
			s.App.DatabasePool, set.App.Replicas, set.App.Surge)
	}
	if largest.TenantsMiB() < need.storageMiB {
		msg += "; archive and purge tenants, or give them smaller tiers"
	}
	return Database{}, catalog.Database{}, errors.New(msg)
}

// pinnedTooSmall returns the error of a pinned size that does not meet the demand. It
// names the cheapest size that does, and the difference in price.
func pinnedTooSmall(need demand, pinned catalog.Database) error {
	msg := fmt.Sprintf("settings.database.size pins %s (%d connections, %d MiB for tenants), and the stack needs a size that %s",
		pinned.SKU, pinned.Connections, pinned.TenantsMiB(), strings.Join(need.unmet(pinned), " and "))
	for _, size := range catalog.Databases() {
		if len(need.unmet(size)) == 0 {
			more := (size.Unit - pinned.Unit) * budget.Cents(need.nodes)
			return fmt.Errorf("%s; %s does, for %s more a month", msg, size.SKU, more)
		}
	}
	return errors.New(msg + "; no larger size does")
}

// WhyDatabase says what decided the size of a plan's managed database: a pin, or what the
// next smaller size lacks.
func WhyDatabase(s settings.Settings, p Plan) string {
	if s.Database.Size != "" {
		return "pinned by settings.database.size"
	}
	smaller, ok := nextSmaller(p.Database.Size)
	if !ok {
		return "the smallest that DigitalOcean offers"
	}
	lacks := demandOf(s, p.Workload).unmet(smaller)
	if len(lacks) == 0 {
		return "kept, because a database never shrinks; a new one would be smaller"
	}
	return "the smallest that " + strings.Join(lacks, " and ")
}

// nextSmaller returns the size before a size of the catalogue, and whether there is one.
func nextSmaller(size string) (catalog.Database, bool) {
	sizes := catalog.Databases()
	i := slices.IndexFunc(sizes, func(d catalog.Database) bool { return d.SKU == size })
	if i < 1 {
		return catalog.Database{}, false
	}
	return sizes[i-1], true
}
