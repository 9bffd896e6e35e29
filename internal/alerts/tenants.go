package alerts

import (
	"fmt"
	"time"

	"github.com/genericcorp/platform/internal/usage"
)

// tenants returns the rules about the limits of the tenants' tiers. The hourly run that counts
// usage writes the metrics; the window keeps them if one run fails.
func tenants() []Rule {
	latest := func(metric string) string { return fmt.Sprintf(`max by (tenant) (last_over_time(%s[150m]))`, metric) }
	return []Rule{{
		Name: "TenantOverTier", Severity: Warning, For: 24 * time.Hour,
		Expr:    latest(usage.SchemaBytes) + ` / ` + latest(usage.SchemaLimitBytes) + ` > 1`,
		Summary: "{{ $labels.tenant }} has {{ $value | humanizePercentage }} of the storage of its tier, for a day. It can read and delete, but not add rows.",
	}}
}
