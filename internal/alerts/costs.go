package alerts

import (
	"fmt"
	"strings"
	"time"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// Costs are the bill of a stack, and what one more step would cost. The zero value is a stack
// without a bill.
type Costs struct {
	Bill budget.Bill
	// Limit is the most that the bill may be.
	Limit budget.Cents
	// MoreTenants is how many more tenants fit on the sizes of the bill. Step is how much more
	// the sizes for the next one cost.
	MoreTenants int
	Step        budget.Cents
	// IncludedGiB is the outbound traffic a month, in GiB, that the price of the nodes includes.
	// With 0 it is not known, and no rule compares it.
	IncludedGiB int
}

// Names of the recording rules about money. BillDollars and RunningDollars have the label line,
// which is an item of the bill. All amounts are dollars a month.
const (
	BillDollars    = "bill:monthly:dollars"
	LimitDollars   = "bill_limit:monthly:dollars"
	RunningDollars = "running:monthly:dollars"
	StepDollars    = "next_step:monthly:dollars"
	MoreTenants    = "room:tenants:count"
	IncludedGiB    = "included_traffic:monthly:gib"
)

// SentGiB is the outbound traffic in GiB that a month of 31 days would have at the rate of the last three
// days: the bodies of the answers to clients.
const SentGiB = `sum(rate(traefik_entrypoint_responses_bytes_total{entrypoint="websecure"}[3d])) * 2678400 / 1073741824`

// running returns what runs, in dollars a month, by the item of the bill: kube-state-metrics
// counts it, and the bill has its price. The other items have no metric.
func (c Costs) running() []Recording {
	counts := map[string]string{
		budget.ItemNodes: `count(count by (node) (kube_node_info))`,
		budget.ItemVolumes: fmt.Sprintf(`(sum(max by (namespace, persistentvolumeclaim) (kube_persistentvolumeclaim_resource_requests_storage_bytes)) or vector(0)) / %d`,
			1<<30),
		budget.ItemLoadBalancer: `(count(count by (namespace, service) (kube_service_spec_type{type="LoadBalancer"})) or vector(0))`,
	}
	var out []Recording
	for _, line := range c.Bill {
		if count := counts[line.Item]; count != "" {
			out = append(out, Recording{RunningDollars, count + " * " + dollars(line.Unit), map[string]string{"line": line.Item}})
		}
	}
	return out
}

// recordings returns the recording rules about money. The bill is constant, so that the store has
// its history.
func (c Costs) recordings() []Recording {
	if len(c.Bill) == 0 {
		return nil
	}
	var out []Recording
	for _, line := range c.Bill {
		out = append(out, Recording{BillDollars, constant(line.Monthly()), map[string]string{"line": line.Item}})
	}
	out = append(out, c.running()...)
	return append(out,
		Recording{Name: LimitDollars, Expr: constant(c.Limit)},
		Recording{Name: StepDollars, Expr: constant(c.Step)},
		Recording{Name: MoreTenants, Expr: fmt.Sprintf("vector(%d)", c.MoreTenants)},
		Recording{Name: IncludedGiB, Expr: fmt.Sprintf("vector(%d)", c.IncludedGiB)},
	)
}

// alerts returns the rule that compares what runs with the bill.
func (c Costs) alerts() []Rule {
	running := c.running()
	var exprs []string
	var bill budget.Cents
	for _, r := range running {
		exprs = append(exprs, r.Expr)
		for _, line := range c.Bill {
			if line.Item == r.Labels["line"] {
				bill += line.Monthly()
			}
		}
	}
	if bill == 0 {
		return nil
	}
	// Half a cent, because expressions have no exact decimals.
	const tolerance = 0.005
	return []Rule{{
		Name: "CostsAboveBill", Severity: Warning, For: 2 * time.Hour,
		Expr:    fmt.Sprintf("%s > %s", strings.Join(exprs, " + "), number(float64(bill)/100+tolerance)),
		Summary: fmt.Sprintf(`Nodes, volumes and load balancers cost ${{ printf "%%.2f" $value }} a month. The bill has %s for them.`, bill),
		MutedBy: []Cause{{Name: "NodesUnplanned"}},
	}}
}

// traffic returns the rule that compares the outbound traffic with what the nodes include.
func (c Costs) traffic() []Rule {
	if c.IncludedGiB == 0 {
		return nil
	}
	return []Rule{{
		// The busiest hours of a new stack count for less after a day.
		Name: "TrafficAboveIncluded", Severity: Warning, For: 24 * time.Hour,
		Expr: fmt.Sprintf("%s > %d", SentGiB, c.IncludedGiB),
		Summary: fmt.Sprintf(`At the rate of the last days, {{ printf "%%.0f" $value }} GiB are sent in a month. That is more than the price of the nodes includes; each GiB above costs %s.`,
			catalog.Transfer.Unit),
	}}
}

func constant(c budget.Cents) string { return "vector(" + dollars(c) + ")" }

func dollars(c budget.Cents) string { return number(float64(c) / 100) }
