package tenants

import (
	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	// schedule is every 15 minutes. A change by hand, or by a tenant, lasts no longer. A run
	// over 1,000 tenants takes some seconds.
	schedule = "*/15 * * * *"
	// scheduledDeadlineSeconds ends a run before the next one starts.
	scheduledDeadlineSeconds = 600
	// startingDeadlineSeconds skips a run that could not start in time. Without it, a
	// CronJob that missed 100 runs never starts another.
	startingDeadlineSeconds = 300
)

// cronJob returns the CronJob that repeats the last update. Its Pod has no archive volume: a
// disk can be attached to one node only, and a Pod on another node would wait for it.
func (a Args) cronJob() *batchv1.CronJobArgs {
	// docs/restore.md suspends it.
	return cronJob(workload.Reconcile, schedule, failurePolicy(), a.pod(a.Scheduled, kube.Variable{Name: tenancy.VariableScheduled, Value: tenancy.Scheduled}.Args()))
}

// cronJob returns a CronJob whose runs do not overlap. A run that failed is not repeated: the next
// one does what is left. An update resumes a CronJob that was suspended by hand.
func cronJob(of workload.Ref, schedule string, policy batchv1.PodFailurePolicyPtrInput, pod *corev1.PodTemplateSpecArgs) *batchv1.CronJobArgs {
	return &batchv1.CronJobArgs{
		Metadata: kube.Meta(of, of.Name),
		Spec: &batchv1.CronJobSpecArgs{
			Schedule:                   pulumi.String(schedule),
			Suspend:                    pulumi.Bool(false),
			ConcurrencyPolicy:          pulumi.String("Forbid"),
			StartingDeadlineSeconds:    pulumi.Int(startingDeadlineSeconds),
			SuccessfulJobsHistoryLimit: pulumi.Int(1),
			FailedJobsHistoryLimit:     pulumi.Int(1),
			JobTemplate: &batchv1.JobTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{Labels: kube.Labels(of.Name)},
				Spec: &batchv1.JobSpecArgs{
					BackoffLimit:          pulumi.Int(0),
					ActiveDeadlineSeconds: pulumi.Int(scheduledDeadlineSeconds),
					PodFailurePolicy:      policy,
					Template:              pod,
				},
			},
		},
	}
}
