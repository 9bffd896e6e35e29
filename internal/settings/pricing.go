package settings

import "github.com/genericcorp/platform/internal/budget"

// Pricing is what tenants pay. `make plan` computes the stack's profit from it, and `make usage`
// the margin of each tenant.
type Pricing struct {
	// TenantUSD are prices for a tenant, in dollars a month.
	// Default: 49, 99, 149.
	// Change: only the text of the plan.
	TenantUSD []budget.Cents `yaml:"tenantUsd"`
	// TierUSD has what a tenant of a tier pays, in dollars a month. `make usage` prints no revenue
	// for a tier without a price.
	// Default: none.
	// Values: tiers with dollars, such as starter: 49.
	// Change: only the text of `make usage`.
	TierUSD map[string]budget.Cents `yaml:"tierUsd"`
	// FixedUSD are costs other than the infrastructure, in dollars a month.
	// Default: 0.
	// Change: only the text of the plan.
	FixedUSD budget.Cents `yaml:"fixedUsd"`
}
