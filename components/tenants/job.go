package tenants

import (
	"path"
	"slices"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	// uid is that of the image's user postgres.
	uid = 999
	// deadlineSeconds is enough for a thousand tenants (25 s beside the database)
	// and for an archive of some gigabytes.
	deadlineSeconds = 1800
	// awaitTimeout is how long Pulumi waits for the Job: its deadline, and the time
	// that its image takes to arrive. Left out it is ten minutes.
	awaitTimeout = "35m"
	tries        = 3

	scriptsFolder     = "/etc/reconcile"
	credentialsFolder = "/etc/credentials"
	archiveFolder     = "/archive"
)

// job runs once for each revision, and stays when it has run: it is the record
// that this revision was applied, and its log says what that changed.
func (a Args) job(job string, verifiers pulumi.StringOutput, variables ...corev1.EnvVarInput) *batchv1.JobArgs {
	meta := kube.Meta(workload.Reconcile, "")
	// A run that failed is run again by the next update, whatever made it fail.
	meta.Annotations = pulumi.StringMap{"pulumi.com/replaceUnready": pulumi.String("true")}
	meta.Name = pulumi.Sprintf("%s-%s", job, a.revision(verifiers))
	return &batchv1.JobArgs{
		Metadata: meta,
		Spec: &batchv1.JobSpecArgs{
			BackoffLimit:          pulumi.Int(tries - 1),
			ActiveDeadlineSeconds: pulumi.Int(deadlineSeconds),
			PodFailurePolicy:      failurePolicy(),
			Template:              a.pod(a.Pods, variables...),
		},
	}
}

// awaited lets Pulumi wait for a Job.
func awaited(opts []pulumi.ResourceOption) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: awaitTimeout}))
}

// pod is the Pod of a Job or of a scheduled run. It mounts the archive when pods
// have one.
func (a Args) pod(pods components.Pods, variables ...corev1.EnvVarInput) *corev1.PodTemplateSpecArgs {
	spec := kube.Pod(workload.Reconcile, uid)
	spec.RestartPolicy = pulumi.String("Never")
	spec.Containers = corev1.ContainerArray{a.container(pods, variables)}
	spec.Volumes = volumes(pods)
	return &corev1.PodTemplateSpecArgs{
		Metadata: &metav1.ObjectMetaArgs{Labels: kube.Labels(workload.Reconcile.Name)}, Spec: spec,
	}
}

// failurePolicy ends a Job at once when the declaration is refused, because another try
// would be refused too, and when tenants failed, because a later run tries again. A Pod
// that a drained node takes away is no try.
func failurePolicy() *batchv1.PodFailurePolicyArgs {
	return &batchv1.PodFailurePolicyArgs{Rules: batchv1.PodFailurePolicyRuleArray{
		&batchv1.PodFailurePolicyRuleArgs{
			Action: pulumi.String("FailJob"),
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirementArgs{
				ContainerName: pulumi.String(workload.Reconcile.Name), Operator: pulumi.String("In"), Values: pulumi.ToIntArray([]int{tenancy.ExitRefused, tenancy.ExitTenants}),
			},
		},
		&batchv1.PodFailurePolicyRuleArgs{
			Action: pulumi.String("Ignore"),
			OnPodConditions: batchv1.PodFailurePolicyOnPodConditionsPatternArray{
				&batchv1.PodFailurePolicyOnPodConditionsPatternArgs{Type: pulumi.String("DisruptionTarget"), Status: pulumi.String("True")},
			},
		},
	}}
}

func (a Args) container(pods components.Pods, variables corev1.EnvVarArray) *corev1.ContainerArgs {
	mounts := corev1.VolumeMountArray{
		kube.Mount("scripts", scriptsFolder), kube.Mount("credentials", credentialsFolder),
		kube.Mount("postgres-ca", path.Dir(pgurl.CAPath)), kube.WritableMount("tmp", "/tmp"),
	}
	env := corev1.EnvVarArray{kube.Variable("RECONCILE", scriptsFolder), kube.Variable("CREDENTIALS", credentialsFolder)}
	if pods.VolumeGiB > 0 {
		mounts = append(mounts, kube.WritableMount("archive", archiveFolder))
		env = append(env, kube.Variable("ARCHIVE", archiveFolder))
	}
	return &corev1.ContainerArgs{
		Name:    pulumi.String(workload.Reconcile.Name),
		Image:   pulumi.String(images[a.Version]),
		Command: pulumi.ToStringArray([]string{"sh", path.Join(scriptsFolder, tenancy.Entrypoint)}),
		Env:     append(env, variables...),
		EnvFrom: corev1.EnvFromSourceArray{&corev1.EnvFromSourceArgs{
			SecretRef: &corev1.SecretEnvSourceArgs{Name: pulumi.String(adminSecret)},
		}},
		// The end of its log is the reason that `pulumi up` shows.
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		Resources:                kube.Resources(pods),
		SecurityContext:          kube.ContainerSecurity(),
		VolumeMounts:             mounts,
	}
}

func volumes(pods components.Pods) corev1.VolumeArray {
	volumes := corev1.VolumeArray{
		kube.ConfigVolume("scripts", workload.Reconcile.Name), kube.SecretVolume("credentials", verifiersSecret, tenancy.VerifiersFile, tenancy.PasswordsFile),
		kube.SecretVolume("postgres-ca", verifiersSecret, path.Base(pgurl.CAPath)), kube.Scratch("tmp", "16Mi"),
	}
	if pods.VolumeGiB > 0 {
		volumes = append(volumes, kube.ClaimVolume("archive", workload.Reconcile.Name))
	}
	return volumes
}
