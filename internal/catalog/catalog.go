// Package catalog is what the platform knows of DigitalOcean: prices, sizes,
// limits and regions. DigitalOcean has no price API for databases, load
// balancers, volumes or the HA control plane, so the tables are kept by hand;
// each row says where its price was read and when. A size that is not here has
// no price, and what has no price cannot be budgeted.
package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
)

// MaxAgeDays is how old a price may be before a test demands a new look at it.
const MaxAgeDays = 180

// Price is one priced thing.
type Price struct {
	// SKU is DigitalOcean's slug where it has one, else our own name.
	SKU string
	// Unit is the price of one for a month (672 hours or more).
	Unit budget.Cents
	// Source says where the price was read; AsOf when (YYYY-MM-DD).
	Source, AsOf string
}

// Line makes the bill line for a quantity of this thing.
func (p Price) Line(item string, quantity int) budget.Line {
	return budget.Line{Item: item, SKU: p.SKU, Quantity: quantity, Unit: p.Unit, Source: p.Source, AsOf: p.AsOf}
}

// UnknownError says that a size is not in the catalogue, and which ones are.
type UnknownError struct {
	Kind, Name string
	Known      []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%q is no %s that has a price here; known: %s", e.Name, e.Kind, strings.Join(e.Known, ", "))
}

// NodeBySize finds a node size; an unknown one is an *UnknownError.
func NodeBySize(size string) (Node, error) {
	return find("node size", size, nodes, func(n Node) string { return n.SKU })
}

// DatabaseBySize finds a database size; an unknown one is an *UnknownError.
func DatabaseBySize(size string) (Database, error) {
	return find("database size", size, databases, func(d Database) string { return d.SKU })
}

// Nodes lists the node sizes, cheapest first.
func Nodes() []Node { return slices.Clone(nodes) }

// Databases lists the database sizes, cheapest first.
func Databases() []Database { return slices.Clone(databases) }

// Prices lists every priced row, for the check of their age.
func Prices() []Price {
	all := []Price{LoadBalancer, NetworkLoadBalancer, HAControlPlane, BlockStorage}
	for _, n := range nodes {
		all = append(all, n.Price)
	}
	for _, d := range databases {
		all = append(all, d.Price)
	}
	return all
}

func find[T any](kind, name string, rows []T, key func(T) string) (T, error) {
	var known []string
	for _, row := range rows {
		if key(row) == name {
			return row, nil
		}
		known = append(known, key(row))
	}
	var none T
	return none, &UnknownError{Kind: kind, Name: name, Known: known}
}
