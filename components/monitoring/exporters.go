package monitoring

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	stateImage = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0@sha256:42cfe3723a5f058171c627537fb57a3ea0f26e4380fa18555a95cb1a1b4cfc5b"
	portState  = 8080

	nodeImage = "quay.io/prometheus/node-exporter:v1.12.1@sha256:1b4e4438faca4dd7e001dd445d161a4a2091b0fededa84093b3a8dfeae1f1be0"
	portNode  = 9100

	exporterUID = 65534

	// hostVolume is the host's root folder.
	hostVolume kube.Volume = "root"
)

// stateMetrics declares kube-state-metrics for the kinds that the dashboards
// and the alerts use.
func (a Args) stateMetrics(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	account, err := stateAccount.Register(ctx, opts...)
	if err != nil {
		return err
	}
	healthz := kube.Endpoint{Path: "/healthz", Port: "http"}
	container := &corev1.ContainerArgs{
		Name:  pulumi.String(workload.KubeStateMetrics.Name),
		Image: pulumi.String(stateImage),
		Args: pulumi.ToStringArray([]string{
			fmt.Sprintf("--port=%d", portState),
			"--resources=cronjobs,daemonsets,deployments,jobs,nodes,persistentvolumeclaims,pods,services",
		}),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portState)},
		Resources:       kube.Resources(a.KubeStateMetrics),
		SecurityContext: kube.ContainerSecurity(),
		ReadinessProbe:  healthz.Probe(10),
		LivenessProbe:   healthz.Probe(30),
	}
	pod := kube.Pod(workload.KubeStateMetrics, exporterUID)
	pod.AutomountServiceAccountToken = pulumi.Bool(true)
	pod.Containers = corev1.ContainerArray{container}
	deployment := kube.Deployment(workload.KubeStateMetrics, a.KubeStateMetrics, kube.Scraped(portState, "/metrics"), pod)
	if _, err := appsv1.NewDeployment(ctx, workload.KubeStateMetrics.Name, deployment, kube.After(opts, account...)...); err != nil {
		return fmt.Errorf("kube-state-metrics: %w", err)
	}
	return nil
}

var stateAccount = kube.Account{
	Ref: workload.KubeStateMetrics,
	ClusterRules: []kube.Rule{
		{Resources: []string{"nodes", "persistentvolumeclaims", "pods", "services"}, Verbs: []string{"list", "watch"}},
		{Group: "batch", Resources: []string{"cronjobs", "jobs"}, Verbs: []string{"list", "watch"}},
		{Group: "apps", Resources: []string{"daemonsets", "deployments"}, Verbs: []string{"list", "watch"}},
	},
}

// nodeExporter declares node-exporter on every node, with the collectors that
// the dashboards use.
func (a Args) nodeExporter(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	account, err := kube.Account{Ref: workload.NodeExporter}.Register(ctx, opts...)
	if err != nil {
		return err
	}
	pod := kube.Pod(workload.NodeExporter, exporterUID)
	// Tolerates all taints, so that it measures every node.
	pod.Tolerations = corev1.TolerationArray{&corev1.TolerationArgs{Operator: pulumi.String("Exists")}}
	pod.Containers = corev1.ContainerArray{nodeContainer(a.NodeExporter)}
	pod.Volumes = corev1.VolumeArray{&corev1.VolumeArgs{
		Name: pulumi.String(hostVolume), HostPath: &corev1.HostPathVolumeSourceArgs{Path: pulumi.String("/")},
	}}
	_, err = appsv1.NewDaemonSet(ctx, workload.NodeExporter.Name, &appsv1.DaemonSetArgs{
		Metadata: kube.Meta(workload.NodeExporter, workload.NodeExporter.Name),
		Spec: &appsv1.DaemonSetSpecArgs{
			Selector: &metav1.LabelSelectorArgs{MatchLabels: kube.Selector(workload.NodeExporter)},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: kube.Labels(workload.NodeExporter.Name), Annotations: kube.Scraped(portNode, "/metrics"),
				},
				Spec: pod,
			},
		},
	}, kube.After(opts, account...)...)
	if err != nil {
		return fmt.Errorf("node-exporter: %w", err)
	}
	return nil
}

func nodeContainer(pods components.Pods) *corev1.ContainerArgs {
	root := kube.Endpoint{Path: "/", Port: "http"}
	mount := hostVolume.At("/host")
	mount.MountPropagation = pulumi.String("HostToContainer")
	return &corev1.ContainerArgs{
		Name:  pulumi.String(workload.NodeExporter.Name),
		Image: pulumi.String(nodeImage),
		Args: pulumi.ToStringArray([]string{
			"--path.rootfs=/host", "--path.procfs=/host/proc", "--path.sysfs=/host/sys",
			"--collector.disable-defaults",
			"--collector.cpu", "--collector.diskstats", "--collector.filesystem", "--collector.loadavg", "--collector.meminfo",
			fmt.Sprintf("--web.listen-address=:%d", portNode),
		}),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portNode)},
		Resources:       kube.Resources(pods),
		SecurityContext: kube.ContainerSecurity(),
		ReadinessProbe:  root.Probe(10),
		LivenessProbe:   root.Probe(30),
		VolumeMounts:    corev1.VolumeMountArray{mount},
	}
}
