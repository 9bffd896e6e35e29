// Package meter prices every resource that a program registers once more, and
// holds the sum against the bill that was computed before: what is not on the
// bill, costs more than its line, or is of a kind that has no price here, is an
// error. It fails closed; nothing counts as $0 because it is unknown.
package meter

import (
	"fmt"
	"sync"

	"github.com/genericcorp/platform/internal/budget"
)

// Resource is a registration as the meter sees it.
type Resource struct {
	// Type is Pulumi's token, for example "kubernetes:core/v1:Service".
	Type string
	// Inputs are its plain inputs; a value that is not known yet is Unknown.
	Inputs map[string]any
}

// Unknown stands for a value that only another resource will tell.
type Unknown struct{}

// Meter adds up what is registered. It is safe for concurrent use.
type Meter struct {
	// ownNodes says that the Kubernetes objects run on DigitalOcean, where a Service
	// of type LoadBalancer and a volume claim cost money.
	ownNodes bool

	mu   sync.Mutex
	bill map[string]budget.Cents
	used map[string]budget.Cents
}

// New makes a meter for a bill.
func New(bill budget.Bill, ownNodes bool) *Meter {
	m := &Meter{ownNodes: ownNodes, bill: map[string]budget.Cents{}, used: map[string]budget.Cents{}}
	for _, line := range bill {
		m.bill[line.Item] += line.Monthly()
	}
	return m
}

// Register adds a resource. The error says what it costs, and what the bill has
// for it; a resource that is refused is not added.
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
			return fmt.Errorf("%d × %s costs %s a month: with %s already used it exceeds the line %q of %s",
				line.Quantity, line.SKU, line.Monthly(), used, line.Item, planned)
		}
	}
	for _, line := range lines {
		m.used[line.Item] += line.Monthly()
	}
	return nil
}

// Total is what all registered resources cost in a month.
func (m *Meter) Total() budget.Cents {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum budget.Cents
	for _, cents := range m.used {
		sum += cents
	}
	return sum
}
