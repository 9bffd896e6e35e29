// Package catalog holds DigitalOcean's prices, sizes, quotas and regions.
//
// DigitalOcean has no price API for databases, load balancers, volumes or the HA control
// plane, so people maintain these tables. Each row says where its price was read and
// when; `make prices` checks what an API can confirm. A size that is not in the tables
// has no price: looking it up is an error, never $0.
package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/budget"
)

// MaxAgeDays is the age from which a price is old (IsOld): it has to be read again.
const MaxAgeDays = 180

// Price is one priced thing.
type Price struct {
	// SKU is DigitalOcean's slug, or a name of this package where there is no slug.
	SKU string
	// Unit is the price of one unit per month. DigitalOcean bills at most 672 hours a
	// month.
	Unit budget.Cents
	// Source says where the price was read. AsOf is the date on which it was read
	// (YYYY-MM-DD).
	Source, AsOf string
	// Confidence says how sure the price is.
	Confidence Confidence
}

// Confidence says how sure a figure is.
type Confidence string

// The confidences, the surest first.
const (
	// Documented figures are in DigitalOcean's own documentation.
	Documented Confidence = "documented"
	// ThirdParty figures are in a text of others, who read them from DigitalOcean.
	ThirdParty Confidence = "third party"
	// Derived figures are computed from others.
	Derived Confidence = "derived"
)

// Line returns the bill line for a quantity of this thing. The item is one of the Item
// constants of package budget.
func (p Price) Line(item string, quantity int) budget.Line {
	return budget.Line{Item: item, SKU: p.SKU, Quantity: quantity, Unit: p.Unit, Source: p.Source, AsOf: p.AsOf, Confidence: string(p.Confidence)}
}

// IsOld reports whether a price that was read on asOf (YYYY-MM-DD) is MaxAgeDays old. A date
// that is none is old.
func IsOld(asOf string, now time.Time) bool {
	read, err := time.Parse(time.DateOnly, asOf)
	return err != nil || now.Sub(read) >= MaxAgeDays*24*time.Hour
}

// UnknownError is the error of a size that the tables lack.
type UnknownError struct {
	// Kind is "node size" or "database size".
	Kind string
	// Name is what was looked up.
	Name string
	// Known lists all sizes of this kind, cheapest first.
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%q is not a %s with a known price; take one of %s", e.Name, e.Kind, strings.Join(e.Known, ", "))
}

// NodeBySize returns the node size with a slug, or an *UnknownError.
func NodeBySize(size string) (Node, error) {
	return find("node size", size, nodes, func(n Node) string { return n.SKU })
}

// DatabaseBySize returns the database size with a slug, or an *UnknownError.
func DatabaseBySize(size string) (Database, error) {
	return find("database size", size, databases, func(d Database) string { return d.SKU })
}

// IsSmallerDatabase compares two sizes by price. It is false if one of them is not in the
// catalogue: an external database has no size.
func IsSmallerDatabase(size, than string) bool {
	a, errA := DatabaseBySize(size)
	b, errB := DatabaseBySize(than)
	return errA == nil && errB == nil && a.Unit < b.Unit
}

// Nodes returns the node sizes, cheapest first.
func Nodes() []Node { return slices.Clone(nodes) }

// Databases returns the database sizes, cheapest first.
func Databases() []Database { return slices.Clone(databases) }

// Prices returns every price of this package.
func Prices() []Price {
	all := []Price{LoadBalancer, NetworkLoadBalancer, HAControlPlane, BlockStorage, Snapshot, Transfer, UptimeCheck}
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
