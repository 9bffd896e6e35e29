package tenants

import (
	"fmt"
	"path"
	"slices"
	"strconv"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/usage"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	// usageSchedule is between the scheduled runs of the reconcile Job. The first run of a day
	// is late enough for the last metrics of the day before.
	usageSchedule = "8 * * * *"
	usageFolder   = "/etc/usage"
)

// usage declares the CronJob that counts the usage of each tenant. before are the resources that
// it reads.
func (a Args) usage(ctx *pulumi.Context, inside []pulumi.ResourceOption, before []pulumi.Resource) error {
	needed, err := kube.RegisterPolicies(ctx, []kube.Policy{{
		Namespace: workload.TenantsNamespace, Name: "allow-usage", App: workload.Usage.Name,
		To: []kube.Peer{
			{CIDR: a.DatabaseRange, Ports: []int{a.DatabasePort}},
			kube.PeerOf(workload.VictoriaMetrics, workload.StorePort),
		},
	}}, inside...)
	if err != nil {
		return err
	}
	account, err := kube.Account{Ref: workload.Usage}.Register(ctx, inside...)
	if err != nil {
		return err
	}
	config, err := corev1.NewConfigMap(ctx, workload.Usage.Name, &corev1.ConfigMapArgs{
		Metadata: kube.Meta(workload.Usage, workload.Usage.Name), Data: pulumi.ToStringMap(usage.Files()),
	}, inside...)
	if err != nil {
		return fmt.Errorf("usage: scripts: %w", err)
	}
	after := kube.After(inside, slices.Concat(before, needed, account, []pulumi.Resource{config})...)
	if _, err := batchv1.NewCronJob(ctx, workload.Usage.Name, a.usageJob(), after...); err != nil {
		return fmt.Errorf("usage: schedule: %w", err)
	}
	return nil
}

func (a Args) usageJob() *batchv1.CronJobArgs {
	pod := kube.Pod(workload.Usage, uid)
	pod.RestartPolicy = pulumi.String("Never")
	pod.Containers = corev1.ContainerArray{a.usageContainer()}
	pod.Volumes = corev1.VolumeArray{
		scriptsVolume.FromConfigMap(workload.Usage.Name), credentialsVolume.FromSecret(verifiersSecret, tenancy.PasswordsFile),
		caVolume.FromSecret(verifiersSecret, path.Base(pgurl.CAPath)), tmpVolume.Scratch("16Mi"),
	}
	return cronJob(workload.Usage, usageSchedule, nil, &corev1.PodTemplateSpecArgs{
		Metadata: &metav1.ObjectMetaArgs{Labels: kube.Labels(workload.Usage.Name)}, Spec: pod,
	})
}

func (a Args) usageContainer() *corev1.ContainerArgs {
	variables := []kube.Variable{
		{Name: usage.VariableFolder, Value: usageFolder}, {Name: usage.VariablePasswords, Value: path.Join(credentialsFolder, tenancy.PasswordsFile)},
		{Name: usage.VariableHost, Value: workload.StoreHost}, {Name: usage.VariablePort, Value: strconv.Itoa(workload.StorePort)},
		{Name: usage.VariableDays, Value: strconv.Itoa(a.MetricsDays)},
	}
	var env corev1.EnvVarArray
	for _, v := range variables {
		env = append(env, v.Args())
	}
	return a.script(workload.Usage, a.Usage, path.Join(usageFolder, usage.Entrypoint), env, corev1.VolumeMountArray{
		scriptsVolume.At(usageFolder), credentialsVolume.At(credentialsFolder), caVolume.At(path.Dir(pgurl.CAPath)), tmpVolume.WritableAt("/tmp"),
	})
}
