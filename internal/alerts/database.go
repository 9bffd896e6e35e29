package alerts

import (
	"fmt"
	"time"

	"github.com/genericcorp/platform/internal/workload"
)

// database returns the rules about the pooler and about the tenants' Jobs. Nothing in the stack
// exports metrics of PostgreSQL itself.
func database() []Rule {
	tenants := fmt.Sprintf(`namespace=%q`, workload.Reconcile.Namespace)
	// started is when the last Job with a condition started. Jobs that count usage are others.
	jobs := tenants + fmt.Sprintf(`,job_name!~"%s-.+"`, workload.Usage.Name)
	started := func(condition string) string {
		return fmt.Sprintf(`max(kube_job_status_start_time{%s} and on (namespace, job_name) %s{%[1]s,condition="true"} == 1)`, jobs, condition)
	}
	scheduled := func(of workload.Ref) string { return fmt.Sprintf(`%s,cronjob=%q`, tenants, of.Name) }
	return []Rule{
		{
			Name: "DatabaseConnectionsUsedUp", Severity: Warning, For: 5 * time.Minute,
			Expr: fmt.Sprintf(`max by (pod, name) (%s{name!="pgbouncer"}) / max by (pod, name) (%s{name!="pgbouncer"}) >= 0.9 and on (pod) max by (pod) (%s) > 1`,
				workload.PoolerOpen, workload.PoolerLimit, workload.PoolerWaitSeconds),
			Summary: "{{ $value | humanizePercentage }} of the database connections of {{ $labels.pod }} are open, and clients wait for one.",
		},
		{
			Name: "ReconcileFailed", Severity: Warning,
			Expr:    started("kube_job_failed") + ` > (` + started("kube_job_complete") + ` or vector(0))`,
			Summary: "The last Job of the tenants failed. Some tenants are not as the stack file declares, or one fills the table of locks.",
		},
		{
			// Runs start every 15 minutes, and one takes at most 10.
			Name: "ReconcileMissing", Severity: Warning, For: 5 * time.Minute,
			Expr:    fmt.Sprintf(`time() - max(kube_cronjob_status_last_successful_time{%s}) > 3600`, scheduled(workload.Reconcile)),
			Summary: "No scheduled run of the tenants' Job has succeeded for {{ $value | humanizeDuration }}.",
			MutedBy: []Cause{{Name: "ReconcileFailed"}},
		},
		{
			// Runs start every hour. Metrics of the missing days are kept for weeks. A CronJob that
			// has never succeeded has only its creation.
			Name: "UsageMissing", Severity: Warning, For: 5 * time.Minute,
			Expr: fmt.Sprintf(`time() - (max(kube_cronjob_status_last_successful_time{%s}) or max(kube_cronjob_created{%[1]s})) > 26 * 3600`,
				scheduled(workload.Usage)),
			Summary: "The usage of tenants has not been counted for {{ $value | humanizeDuration }}.",
		},
	}
}
