// Package sizing chooses the cheapest nodes and database on which a workload fits, and
// computes their bill. It imports no Pulumi package and does not use the network.
//
// Start with Solve. It takes the settings of a stack file and derives the workload from
// them (internal/workload). Then it tries pools of nodes in the order of their price, and
// places every Pod on them in each scenario. HeadroomOf counts what more fits on the plan.
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

// MaxNodes is the largest pool that the solver tries.
const MaxNodes = 20

// Nodes is a pool of equal nodes. The zero value stands for an existing cluster.
type Nodes struct {
	// Size is a slug of catalog.Nodes.
	Size  string
	Count int
}

// Database is a managed database. The zero value stands for an external one.
type Database struct {
	// Size is a slug of catalog.Databases.
	Size string
	// Nodes is the number of nodes, the standby node included.
	Nodes int
}

// Plan holds the sizes of a stack, its bill, and the placement that shows that the
// workload fits.
type Plan struct {
	Nodes    Nodes
	Database Database
	Workload workload.Set
	// PoolerConnections is how many server connections the tenants share in each
	// pooler: an equal share of the connections that nothing else needs.
	PoolerConnections int
	Bill              budget.Bill
	// Budget is settings.budget.monthlyUsd: the limit of the bill, per month.
	Budget budget.Cents
	// Fit is empty for an existing cluster, because its nodes are not known.
	Fit Fit
	// Cheaper is the most expensive pool that costs less than Nodes, and the reason why the
	// workload does not fit on it. It is nil if no pool that the pins allow costs less.
	Cheaper *MisfitPool
	// Bounds are the quotas that a bigger budget does not raise.
	Bounds []Bound

	// node and database are the catalogue's rows of the sizes. They are zero for an
	// existing cluster and an external database.
	node     catalog.Node
	database catalog.Database
}

// IncludedTransferGiB returns the outbound traffic a month, in GiB, that the price of the nodes
// includes. It is 0 for an existing cluster.
func (p Plan) IncludedTransferGiB() int { return p.node.TransferGiB * p.Nodes.Count }

// Solve returns the cheapest plan that fits. It keeps pinned sizes, and checks that the
// workload fits on them. If the plan costs more than the budget, Solve returns the plan
// and a *budget.OverError. With any other error the plan is empty.
func Solve(s settings.Settings) (Plan, error) { return solveWithin(s, workload.For) }

// SolveFor is Solve with a given workload instead of the one that the settings need.
func SolveFor(s settings.Settings, set workload.Set) (Plan, error) {
	return solveWithin(s, func(settings.Settings) workload.Set { return set })
}

// derivation returns the workload of settings. It is a function because the advice for a
// plan that is over its budget tries other settings, and they may need another workload.
type derivation func(settings.Settings) workload.Set

func solveWithin(s settings.Settings, derive derivation) (Plan, error) {
	if err := settings.CheckTiers(s.Tenants); err != nil {
		return Plan{}, err
	}
	p, err := solve(s, derive)
	if err != nil {
		return Plan{}, addChanges(s, derive, err)
	}
	over := &budget.OverError{}
	if err := p.Bill.Check(p.Budget); errors.As(err, &over) {
		over.Advice = advise(s, derive, p.Budget)
		return p, over
	}
	return p, nil
}

// solve returns the cheapest plan that fits. It does not check the budget.
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
		if err = chooseNodes(s, &p); err != nil {
			return Plan{}, err
		}
	}
	p.Bill = bill(s, p)
	p.Bounds = bounds(s, p)
	return p, nil
}

// candidate is a pool of nodes to try.
type candidate struct {
	node  catalog.Node
	count int
}

func (c candidate) monthly() budget.Cents { return c.node.Unit * budget.Cents(c.count) }

func (c candidate) nodes() Nodes { return Nodes{Size: c.node.SKU, Count: c.count} }

// MisfitPool is a pool on which a workload does not fit.
type MisfitPool struct {
	Nodes   Nodes
	Monthly budget.Cents
	// Err is a *MisfitError.
	Err error
}

// chooseNodes sets the plan's nodes to the cheapest pool on which the workload fits. Among
// pools of one price it prefers more free memory, then fewer nodes.
func chooseNodes(s settings.Settings, p *Plan) error {
	pools, err := candidates(s)
	if err != nil {
		return err
	}
	var chosen candidate
	var lastMisfit error
	for _, c := range pools {
		if p.Fit != nil && c.monthly() > chosen.monthly() {
			break
		}
		f, err := fit(p.Workload, s.Capacity.SurviveNodeLoss, c.node, c.count)
		if err != nil {
			lastMisfit = err
			continue
		}
		if p.Fit == nil || f[0].Free().MiB > p.Fit[0].Free().MiB {
			chosen, p.Fit = c, f
		}
	}
	if p.Fit == nil {
		return fmt.Errorf("%s; the most expensive pool that was tried: %w", whatWasTried(s.Nodes), lastMisfit)
	}
	p.node, p.Nodes = chosen.node, chosen.nodes()
	// The pools are sorted by price, and none that costs less fits.
	if i := slices.IndexFunc(pools, func(c candidate) bool { return c.monthly() == chosen.monthly() }) - 1; i >= 0 {
		_, err := fit(p.Workload, s.Capacity.SurviveNodeLoss, pools[i].node, pools[i].count)
		p.Cheaper = &MisfitPool{pools[i].nodes(), pools[i].monthly(), err}
	}
	return nil
}

// whatWasTried starts the message of a workload that fits on no pool.
func whatWasTried(pin settings.Nodes) string {
	switch {
	case pin.Size != "" && pin.Count != 0:
		return "settings.nodes pins " + nodesText(pin.Size, pin.Count) + "; the workload does not fit"
	case pin.Size != "":
		return fmt.Sprintf("settings.nodes.size pins %s, and up to %d of them are too small", pin.Size, MaxNodes)
	case pin.Count != 0:
		return fmt.Sprintf("settings.nodes.count pins %d, and no node size fits with that", pin.Count)
	}
	return fmt.Sprintf("no node size fits, with up to %d nodes", MaxNodes)
}

// candidates returns the pools that the pins allow, cheapest first.
func candidates(s settings.Settings) ([]candidate, error) {
	sizes := slices.DeleteFunc(catalog.Nodes(), func(n catalog.Node) bool { return n.PinOnly })
	if s.Nodes.Size != "" {
		n, err := catalog.NodeBySize(s.Nodes.Size)
		if err != nil {
			return nil, fmt.Errorf("settings.nodes.size: %w", err)
		}
		sizes = []catalog.Node{n}
	}
	for i, n := range sizes {
		if mib, ok := s.Nodes.AllocatableMiB(n.SKU); ok {
			sizes[i].AllocatableMiB = mib
		}
	}
	first, last := 1, MaxNodes
	if s.Capacity.SurviveNodeLoss {
		first = 2
	}
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
