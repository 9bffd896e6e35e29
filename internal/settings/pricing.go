package settings

import "github.com/genericcorp/platform/internal/budget"

// Pricing is what tenants pay. `make plan` computes the stack's profit from it.
type Pricing struct {
	// TenantUSD are prices for a tenant, in dollars a month.
	// Default: 49, 99, 149.
	// Change: only the text of the plan.
	TenantUSD []budget.Cents `yaml:"tenantUsd"`
	// FixedUSD are costs other than the infrastructure, in dollars a month.
	// Default: 0.
	// Change: only the text of the plan.
	FixedUSD budget.Cents `yaml:"fixedUsd"`
}
