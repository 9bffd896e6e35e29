package alerts

import (
	"fmt"
	"time"

	"github.com/genericcorp/platform/internal/budget"
)

// costs returns the rule that compares what runs with the bill.
func (s Stack) costs() []Rule {
	if s.Costs.Bill == 0 {
		return nil
	}
	// Half a cent, because expressions have no exact decimals.
	const tolerance = 0.005
	return []Rule{{
		Name: "CostsAboveBill", Severity: Warning, For: 2 * time.Hour,
		Expr: fmt.Sprintf(`count(count by (node) (kube_node_info)) * %s`+
			` + (sum(max by (namespace, persistentvolumeclaim) (kube_persistentvolumeclaim_resource_requests_storage_bytes)) or vector(0)) / %d * %s`+
			` + (count(count by (namespace, service) (kube_service_spec_type{type="LoadBalancer"})) or vector(0)) * %s > %s`,
			dollars(s.Costs.Node), 1<<30, dollars(s.Costs.GiB), dollars(s.Costs.LoadBalancer), number(float64(s.Costs.Bill)/100+tolerance)),
		Summary: fmt.Sprintf(`Nodes, volumes and load balancers cost ${{ printf "%%.2f" $value }} a month. The bill has %s for them.`, s.Costs.Bill),
		MutedBy: []Cause{{Name: "NodesUnplanned"}},
	}}
}

func dollars(c budget.Cents) string { return number(float64(c) / 100) }
