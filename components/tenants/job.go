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
	// uid is the user id of "postgres" in the image.
	uid = 999
	// deadlineSeconds is enough for 1,000 tenants (25 seconds when the Job is near the
	// database) and for an archive of some GiB.
	deadlineSeconds = 1800
	// awaitTimeout is how long Pulumi waits for the Job: its deadline and 5 minutes for
	// pulling the image. Pulumi's default is 10 minutes.
	awaitTimeout = "35m"
	// tries is how often the Job starts a Pod before it fails.
	tries = 3

	scriptsFolder     = "/etc/reconcile"
	credentialsFolder = "/etc/credentials"
	archiveFolder     = "/archive"
)

// The volumes of a Job's Pod.
const (
	scriptsVolume     kube.Volume = "scripts"
	credentialsVolume kube.Volume = "credentials"
	caVolume          kube.Volume = "postgres-ca"
	tmpVolume         kube.Volume = "tmp"
	archiveVolume     kube.Volume = "archive"
)

// job returns a Job that runs once for each revision. It is not deleted when it has run: it
// shows that the revision was applied, and its log shows the changes.
func (a Args) job(job string, verifiers pulumi.StringOutput, variables ...corev1.EnvVarInput) *batchv1.JobArgs {
	meta := kube.Meta(workload.Reconcile, "")
	// The next update replaces a failed Job and so runs it again.
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

// awaited returns opts with the timeout for a Job.
func awaited(opts []pulumi.ResourceOption) []pulumi.ResourceOption {
	return append(slices.Clone(opts), pulumi.Timeouts(&pulumi.CustomTimeouts{Create: awaitTimeout}))
}

// pod returns the Pod of a Job or of a scheduled run. It mounts the archive if pods have a
// volume.
func (a Args) pod(pods components.Pods, variables ...corev1.EnvVarInput) *corev1.PodTemplateSpecArgs {
	spec := kube.Pod(workload.Reconcile, uid)
	spec.RestartPolicy = pulumi.String("Never")
	spec.Containers = corev1.ContainerArray{a.container(pods, variables)}
	spec.Volumes = volumes(pods)
	return &corev1.PodTemplateSpecArgs{
		Metadata: &metav1.ObjectMetaArgs{Labels: kube.Labels(workload.Reconcile.Name)}, Spec: spec,
	}
}

// failurePolicy ends a Job without another try when it refuses the declaration, because it
// would refuse it again, and when tenants failed, because a later Job tries again. A Pod
// that ends because its node is drained does not count as a try.
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
		scriptsVolume.At(scriptsFolder), credentialsVolume.At(credentialsFolder),
		caVolume.At(path.Dir(pgurl.CAPath)), tmpVolume.WritableAt("/tmp"),
	}
	env := corev1.EnvVarArray{
		kube.Variable{Name: "RECONCILE", Value: scriptsFolder}.Args(), kube.Variable{Name: "CREDENTIALS", Value: credentialsFolder}.Args(),
	}
	if pods.VolumeGiB > 0 {
		mounts = append(mounts, archiveVolume.WritableAt(archiveFolder))
		env = append(env, kube.Variable{Name: "ARCHIVE", Value: archiveFolder}.Args())
	}
	return a.script(workload.Reconcile, pods, path.Join(scriptsFolder, tenancy.Entrypoint), append(env, variables...), mounts)
}

// script returns a container that runs a shell script with PostgreSQL's client programs, and with
// the administrator's address and role.
func (a Args) script(of workload.Ref, pods components.Pods, script string, env corev1.EnvVarArray, mounts corev1.VolumeMountArray) *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:    pulumi.String(of.Name),
		Image:   pulumi.String(images[a.Version]),
		Command: pulumi.ToStringArray([]string{"sh", script}),
		Env:     env,
		EnvFrom: corev1.EnvFromSourceArray{&corev1.EnvFromSourceArgs{
			SecretRef: &corev1.SecretEnvSourceArgs{Name: pulumi.String(adminSecret)},
		}},
		// `pulumi up` shows the end of the log as the reason of a failure.
		TerminationMessagePolicy: pulumi.String("FallbackToLogsOnError"),
		Resources:                kube.Resources(pods),
		SecurityContext:          kube.ContainerSecurity(),
		VolumeMounts:             mounts,
	}
}

func volumes(pods components.Pods) corev1.VolumeArray {
	volumes := corev1.VolumeArray{
		scriptsVolume.FromConfigMap(workload.Reconcile.Name),
		credentialsVolume.FromSecret(verifiersSecret, tenancy.VerifiersFile, tenancy.PasswordsFile),
		caVolume.FromSecret(verifiersSecret, path.Base(pgurl.CAPath)), tmpVolume.Scratch("16Mi"),
	}
	if pods.VolumeGiB > 0 {
		volumes = append(volumes, archiveVolume.FromClaim(workload.Reconcile.Name))
	}
	return volumes
}
