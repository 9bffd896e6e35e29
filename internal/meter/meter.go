// Package meter checks every resource that a Pulumi program registers against the bill
// that the sizing computed. It prices each resource again, from the resource's inputs.
//
// A resource is an error if its item is not on the bill, or if the item's line is used up.
// A type or a value without a known price is an error too; it never counts as $0.
// The package imports no Pulumi package; stacks/meter.go connects it to the program.
package meter

import (
	"fmt"
	"sync"

	"github.com/genericcorp/platform/internal/budget"
)

// Resource is a resource to register.
type Resource struct {
	// Type is Pulumi's type token, for example "kubernetes:core/v1:Service".
	Type string
	// Inputs are plain values: string, bool, int, float64, map[string]any, []any. A value
	// that is not known yet is Unknown.
	Inputs map[string]any
}

// Unknown stands for an output of another resource that does not exist yet.
type Unknown struct{}

// Meter adds up the prices of the registered resources. It is safe for concurrent use.
type Meter struct {
	ownNodes bool

	mu sync.Mutex
	// bill and used have amounts per month, by item.
	bill map[string]budget.Cents
	used map[string]budget.Cents
}

// New returns a meter for a bill. ownNodes is true if the Kubernetes objects run on
// DigitalOcean, where load balancers and volume claims cost money. On an existing cluster
// they are free, because somebody else pays for them.
func New(bill budget.Bill, ownNodes bool) *Meter {
	m := &Meter{ownNodes: ownNodes, bill: map[string]budget.Cents{}, used: map[string]budget.Cents{}}
	for _, line := range bill {
		m.bill[line.Item] += line.Monthly()
	}
	return m
}

// Register adds a resource. It returns an error if the bill has no line for it, if it
// would exceed its line, or if its price is not known. Then the resource is not added.
func (m *Meter) Register(r Resource) error {
	lines, err := m.price(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range lines {
		planned, ok := m.bill[line.Item]
		if !ok {
			return fmt.Errorf("%d × %s costs %s a month and is not on the bill", line.Quantity, line.SKU, line.Monthly())
		}
		if used := m.used[line.Item]; used+line.Monthly() > planned {
			return fmt.Errorf("%d × %s costs %s a month and exceeds the line %q of %s, of which %s are used",
				line.Quantity, line.SKU, line.Monthly(), line.Item, planned, used)
		}
	}
	for _, line := range lines {
		m.used[line.Item] += line.Monthly()
	}
	return nil
}

// Total returns what all registered resources cost per month.
func (m *Meter) Total() budget.Cents {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum budget.Cents
	for _, cents := range m.used {
		sum += cents
	}
	return sum
}
