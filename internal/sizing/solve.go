// Package sizing turns a budget and a workload into sizes: the cheapest nodes,
// database and load balancer on which all of the workload fits.
package sizing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// MaxNodes is how many nodes the solver considers.
const MaxNodes = 20

// Nodes is a pool of equal nodes; the zero value is an existing cluster's.
type Nodes struct {
	Size  string
	Count int
}

// Database is a managed database; the zero value is an external one.
type Database struct {
	Size string
	// Nodes counts the standby node too.
	Nodes int
}

// Plan is what a stack will be made of, what it costs, and why that fits.
type Plan struct {
	Nodes    Nodes
	Database Database
	Workload workload.Set
	// PoolerConnections is how many server connections the tenants share in each
	// pooler: the database's, less all others that are counted.
	PoolerConnections int
	Bill              budget.Bill
	// Budget is what the stack may cost.
	Budget budget.Cents
	// Fit is empty for an existing cluster, whose nodes are not known.
	Fit Fit
	// Bounds are the quotas that a bigger budget does not raise.
	Bounds []Bound

	// node and database are the catalogue's rows of the sizes. They have their zero
	// value for an existing cluster and an external database.
	node     catalog.Node
	database catalog.Database
}

// Solve returns the cheapest plan that fits. Pinned sizes are kept and checked. If the
// plan costs more than the budget, the error is a *budget.OverError and the plan is
// returned too. Any other error says what does not fit, and the plan is empty.
func Solve(s settings.Settings) (Plan, error) { return solveWithin(s, workload.For) }

// SolveFor is Solve for a workload that was not derived from the settings.
func SolveFor(s settings.Settings, set workload.Set) (Plan, error) {
	return solveWithin(s, func(settings.Settings) workload.Set { return set })
}

// derivation makes the workload from settings. The advice for a plan that is over its
// budget tries other settings, which may need another workload.
type derivation func(settings.Settings) workload.Set

func solveWithin(s settings.Settings, derive derivation) (Plan, error) {
	if err := settings.CheckTiers(s.Tenants); err != nil {
		return Plan{}, err
	}
	p, err := solve(s, derive)
	if err != nil {
		return Plan{}, unpinned(s, derive, err)
	}
	over := &budget.OverError{}
	if err := p.Bill.Check(p.Budget); errors.As(err, &over) {
		over.Advice = advise(s, derive, p)
		return p, over
	}
	return p, nil
}

// solve returns the cheapest plan that fits, whatever the budget.
func solve(s settings.Settings, derive derivation) (Plan, error) {
	p := Plan{Workload: derive(s), Budget: s.Budget.MonthlyUSD}
	var err error
	if s.Database.Kind == settings.External {
		err = checkExternal(s, p.Workload)
	} else {
		p.Database, p.database, err = chooseDatabase(s, p.Workload)
	}
	if err != nil {
		return Plan{}, err
	}
	p.PoolerConnections = poolerConnections(s, p)
	if s.Cluster.Kind == settings.DigitalOcean {
		if p.node, p.Nodes, p.Fit, err = chooseNodes(s, p.Workload); err != nil {
			return Plan{}, err
		}
	}
	p.Bill = bill(s, p)
	p.Bounds = bounds(s, p)
	return p, nil
}

// candidate is one pool of nodes and its price.
type candidate struct {
	node  catalog.Node
	count int
}

func (c candidate) monthly() budget.Cents { return c.node.Unit * budget.Cents(c.count) }

// chooseNodes tries every pool in the order of its price; among equally cheap
// ones the most free memory wins, then the fewest nodes.
func chooseNodes(s settings.Settings, set workload.Set) (catalog.Node, Nodes, Fit, error) {
	pools, err := candidates(s)
	if err != nil {
		return catalog.Node{}, Nodes{}, nil, err
	}
	var chosen candidate
	var proof Fit
	var closest error
	for _, c := range pools {
		if proof != nil && c.monthly() > chosen.monthly() {
			break
		}
		f, err := fit(set, s.Capacity.SurviveNodeLoss, c.node, c.count)
		if err != nil {
			closest = err
			continue
		}
		if proof == nil || f[0].Free().MiB > proof[0].Free().MiB {
			chosen, proof = c, f
		}
	}
	if proof == nil {
		return catalog.Node{}, Nodes{}, nil, fmt.Errorf("%s: the largest tried fails with %w", pinnedOrAny(s.Nodes), closest)
	}
	return chosen.node, Nodes{Size: chosen.node.SKU, Count: chosen.count}, proof, nil
}

func pinnedOrAny(pin settings.Nodes) string {
	switch {
	case pin.Size != "" && pin.Count != 0:
		return "settings.nodes pins " + nodesText(pin.Size, pin.Count) + ", which does not fit"
	case pin.Size != "":
		return fmt.Sprintf("settings.nodes.size pins %s, of which no count up to %d fits", pin.Size, MaxNodes)
	case pin.Count != 0:
		return fmt.Sprintf("settings.nodes.count pins %d, of which no node size fits", pin.Count)
	}
	return fmt.Sprintf("no node size fits, up to %d nodes of it", MaxNodes)
}

func candidates(s settings.Settings) ([]candidate, error) {
	sizes := slices.DeleteFunc(catalog.Nodes(), func(n catalog.Node) bool { return n.PinOnly })
	if s.Nodes.Size != "" {
		n, err := catalog.NodeBySize(s.Nodes.Size)
		if err != nil {
			return nil, fmt.Errorf("settings.nodes.size: %w", err)
		}
		sizes = []catalog.Node{n}
	}
	first, last := 1, MaxNodes
	if s.Nodes.Count != 0 {
		first, last = s.Nodes.Count, s.Nodes.Count
	}
	var out []candidate
	for _, n := range sizes {
		for count := first; count <= last; count++ {
			out = append(out, candidate{n, count})
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.monthly(), b.monthly()), cmp.Compare(a.count, b.count), cmp.Compare(a.node.SKU, b.node.SKU))
	})
	return out, nil
}

// checkExternal checks that an external database admits the connections.
func checkExternal(s settings.Settings, set workload.Set) error {
	if need := connections(s, set); need > s.Database.Connections {
		return fmt.Errorf("settings.database.connections: the stack needs %d connections and the database admits %d",
			need, s.Database.Connections)
	}
	return nil
}

// chooseDatabase returns the cheapest size that admits the connections needed and has
// the disk that active tenants' plans give them.
func chooseDatabase(s settings.Settings, set workload.Set) (Database, catalog.Database, error) {
	need := connections(s, set)
	nodes := 1
	if s.Database.Standby {
		nodes = 2
	}
	for _, size := range catalog.Databases() {
		if s.Database.Size != "" && size.SKU != s.Database.Size || size.MaxNodes < nodes {
			continue
		}
		if size.Connections >= need && size.TenantsMiB() >= storage(s) {
			return Database{Size: size.SKU, Nodes: nodes}, size, nil
		}
		if s.Database.Size != "" {
			return Database{}, catalog.Database{}, pinnedTooSmall(s, set, size)
		}
	}
	return Database{}, catalog.Database{}, fmt.Errorf("no database size admits %d connections and has %d MiB for tenants; "+
		"lower settings.app.databasePool (%d for each of %d replicas and %d more in a rolling update) or suspend tenants",
		need, storage(s), s.App.DatabasePool, set.App.Replicas, set.App.Surge)
}

// pinnedTooSmall refuses a pinned size with the price of the one that serves.
func pinnedTooSmall(s settings.Settings, set workload.Set, pinned catalog.Database) error {
	need := connections(s, set)
	admits, disk := "admits", storage(s) > pinned.TenantsMiB()
	msg := fmt.Sprintf("settings.database.size pins %s, which admits %d connections, and the stack needs %d", pinned.SKU, pinned.Connections, need)
	if disk {
		admits = "has disk and admits"
		msg = fmt.Sprintf("settings.database.size pins %s, which has %d MiB for tenants and admits %d connections, and the stack needs %d MiB and %d",
			pinned.SKU, pinned.TenantsMiB(), pinned.Connections, storage(s), need)
	}
	for _, size := range catalog.Databases() {
		if size.Connections >= need && size.TenantsMiB() >= storage(s) {
			return fmt.Errorf("%s; %s %s %d for %s more a month", msg, size.SKU, admits, size.Connections, size.Unit-pinned.Unit)
		}
	}
	return errors.New(msg + "; no larger size does either")
}
