// Package meter checks every resource that a Pulumi program registers against the bill
// that the sizing computed. It prices each resource again, from the resource's inputs.
//
// A resource is an error if its item is not on the bill, or if the item's line is used up.
// A type, an input or a value without a known price is an error too; it never counts as $0.
// The package imports no Pulumi package; stacks/meter.go connects it to the program.
package meter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/genericcorp/platform/internal/budget"
)

// Resource is a resource to register.
type Resource struct {
	// Type is Pulumi's type token, for example "kubernetes:core/v1:Service".
	Type string
	// Name is Pulumi's name of the resource.
	Name string
	// Component is true for a resource that no provider creates.
	Component bool
	// Inputs are plain values: string, bool, int, float64, map[string]any, []any. A value
	// that is not known yet is Unknown.
	Inputs map[string]any
	// IgnoreChanges are the paths of Pulumi's option with this name.
	IgnoreChanges []string
}

// Unknown stands for an output of another resource that does not exist yet.
type Unknown struct{}

// Stack is what the meter must know about a stack beside its bill.
type Stack struct {
	// OwnNodes is true if the Kubernetes objects run on DigitalOcean, where load balancers
	// and volume claims cost money. On an existing cluster they are free, because somebody
	// else pays for them.
	OwnNodes bool
	// RetainedVolumes allows the storage classes that keep a disk without its claim.
	RetainedVolumes bool
	// Release has the inputs of the only Helm release that the stack may have.
	Release map[string]any
}

// Meter adds up the prices of the registered resources. It is safe for concurrent use.
type Meter struct {
	stack Stack

	mu sync.Mutex
	// bill and used have amounts per month, by item.
	bill map[string]budget.Cents
	used map[string]budget.Cents
	// registered has the registered resources by type and name. Two resources may have the
	// same type and name under different parents.
	registered map[[2]string][]registration
}

// New returns a meter for a bill.
func New(bill budget.Bill, stack Stack) *Meter {
	m := &Meter{
		stack: stack, bill: map[string]budget.Cents{}, used: map[string]budget.Cents{}, registered: map[[2]string][]registration{},
	}
	for _, line := range bill {
		m.bill[line.Item] += line.Monthly()
	}
	return m
}

// Register adds a resource. It returns an error if the bill has no line for it, if it
// would exceed its line, or if its price is not known. Then the resource is not added.
func (m *Meter) Register(r Resource) error {
	if err := r.check(); err != nil {
		return err
	}
	lines, err := m.stack.price(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	used := maps.Clone(m.used)
	for _, line := range lines {
		planned, ok := m.bill[line.Item]
		if !ok {
			return fmt.Errorf("%d × %s costs %s a month and is not on the bill", line.Quantity, line.SKU, line.Monthly())
		}
		if used[line.Item]+line.Monthly() > planned {
			return fmt.Errorf("%d × %s costs %s a month and exceeds the line %q of %s, of which %s are used",
				line.Quantity, line.SKU, line.Monthly(), line.Item, planned, used[line.Item])
		}
		used[line.Item] += line.Monthly()
	}
	m.used = used
	m.registered[r.key()] = append(m.registered[r.key()], registration{r, lines})
	return nil
}

// Confirm returns an error unless a registered resource of the same type and name has the
// price of this one. Its inputs are those with which the engine creates or updates the
// resource. They may differ from the registered ones: other transforms may run after the
// meter's, and the option ignoreChanges keeps old values.
func (m *Meter) Confirm(r Resource) error {
	if r.Type == release {
		return nil // its provider adds inputs, and Register has compared all of them
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.registered[r.key()]) == 0 {
		return errors.New("it was not priced")
	}
	var errs []error
	for _, registered := range m.registered[r.key()] {
		lines, err := m.stack.price(registered.over(r))
		if err == nil && slices.Equal(lines, registered.bill) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("now it costs %s a month", lines.Total())
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("its inputs changed after it was priced; remove the transform or the option that changes them: %w", errors.Join(errs...))
}

// registration is a registered resource with its bill.
type registration struct {
	Resource
	bill budget.Bill
}

// over returns the resource with the registered values of the inputs whose changes are ignored.
// The state may have another value that is as old as the last refresh, for example the size of
// the nodes before `ops resize`. Register allows only paths that something else checks.
func (g registration) over(r Resource) Resource {
	for _, path := range g.IgnoreChanges {
		r.Inputs = replaced(r.Inputs, g.Inputs, strings.Split(path, "."))
	}
	return r
}

// replaced returns a copy of in with the value of from at a path.
func replaced(in, from map[string]any, path []string) map[string]any {
	out := maps.Clone(in)
	below, ok := in[path[0]].(map[string]any)
	source, found := from[path[0]].(map[string]any)
	switch {
	case len(path) > 1 && ok && found:
		out[path[0]] = replaced(below, source, path[1:])
	case len(path) == 1 && out != nil:
		out[path[0]] = from[path[0]]
	}
	return out
}

func (r Resource) key() [2]string { return [2]string{r.Type, r.Name} }

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
