package sizing

import (
	"fmt"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// BreakEven is the least number of tenants that pay for the infrastructure which they need, and
// for the fixed costs.
type BreakEven struct {
	Tenants int
	// Infrastructure is the bill of the cheapest plan for them, per month. It may be over the
	// budget.
	Infrastructure budget.Cents
}

// BreakEvenOf returns the break-even for a price of a tenant per month. p is the plan of s. More
// tenants may need larger sizes, and these pay off with even more tenants. If there is no plan for
// so many, the error says why, and Infrastructure is that of the largest plan that was tried.
func BreakEvenOf(s settings.Settings, p Plan, price, fixed budget.Cents) (BreakEven, error) {
	out := BreakEven{Infrastructure: p.Bill.Total()}
	active := s.ActiveTenants()
	for {
		out.Tenants = max(1, int((out.Infrastructure+fixed+price-1)/price))
		if out.Tenants <= active {
			return out, nil
		}
		if len(s.Tenants)+out.Tenants-active > settings.MaxTenants {
			return out, fmt.Errorf("a stack may have %d tenants", settings.MaxTenants)
		}
		plan, err := solve(withTenants(s, out.Tenants-active), workload.For)
		if err != nil {
			return out, err
		}
		if plan.Bill.Total() <= out.Infrastructure {
			return out, nil
		}
		out.Infrastructure = plan.Bill.Total()
	}
}
