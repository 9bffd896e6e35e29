package monitoring

import (
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	stateApp   = "kube-state-metrics"
	stateImage = "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0@sha256:42cfe3723a5f058171c627537fb57a3ea0f26e4380fa18555a95cb1a1b4cfc5b"
	portState  = 8080

	nodeApp   = "node-exporter"
	nodeImage = "quay.io/prometheus/node-exporter:v1.12.1@sha256:1b4e4438faca4dd7e001dd445d161a4a2091b0fededa84093b3a8dfeae1f1be0"
	portNode  = 9100

	exporterUID = 65534
)

// stateMetrics declares kube-state-metrics for the kinds that the dashboards use.
func (a Args) stateMetrics(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	account, err := stateAccount.Register(ctx, opts...)
	if err != nil {
		return err
	}
	container := &corev1.ContainerArgs{
		Name:  pulumi.String(stateApp),
		Image: pulumi.String(stateImage),
		Args: pulumi.ToStringArray([]string{
			fmt.Sprintf("--port=%d", portState),
			"--resources=daemonsets,deployments,nodes,persistentvolumeclaims,pods",
		}),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portState)},
		Resources:       kube.Resources(a.Workload.KubeStateMetrics),
		SecurityContext: kube.ContainerSecurity(),
		ReadinessProbe:  kube.HTTPProbe("/healthz", "http", 10),
		LivenessProbe:   kube.HTTPProbe("/healthz", "http", 30),
	}
	_, err = appsv1.NewDeployment(ctx, stateApp, kube.Deployment(a.Workload.KubeStateMetrics, kube.Scraped(portState, "/metrics"),
		&corev1.PodSpecArgs{
			ServiceAccountName:           pulumi.String(stateApp),
			AutomountServiceAccountToken: pulumi.Bool(true),
			SecurityContext:              kube.PodSecurity(exporterUID),
			Containers:                   corev1.ContainerArray{container},
		}), kube.After(opts, account...)...)
	if err != nil {
		return fmt.Errorf("kube-state-metrics: %w", err)
	}
	return nil
}

var stateAccount = kube.Account{
	Namespace: workload.MonitoringNamespace, Name: stateApp,
	ClusterRules: []kube.Rule{
		{Resources: []string{"nodes", "persistentvolumeclaims", "pods"}, Verbs: []string{"list", "watch"}},
		{Group: "apps", Resources: []string{"daemonsets", "deployments"}, Verbs: []string{"list", "watch"}},
	},
}

// nodeExporter declares node-exporter on every node, with the collectors that
// the dashboards use.
func (a Args) nodeExporter(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	account, err := kube.Account{Namespace: workload.NodeMetricsNamespace, Name: nodeApp}.Register(ctx, opts...)
	if err != nil {
		return err
	}
	w := a.Workload.NodeExporter
	_, err = appsv1.NewDaemonSet(ctx, nodeApp, &appsv1.DaemonSetArgs{
		Metadata: kube.Meta(nodeApp, w.Namespace, nodeApp),
		Spec: &appsv1.DaemonSetSpecArgs{
			Selector: &metav1.LabelSelectorArgs{MatchLabels: kube.Selector(nodeApp)},
			Template: &corev1.PodTemplateSpecArgs{
				Metadata: &metav1.ObjectMetaArgs{
					Labels: kube.Labels(nodeApp), Annotations: kube.Scraped(portNode, "/metrics"),
				},
				Spec: &corev1.PodSpecArgs{
					ServiceAccountName:           pulumi.String(nodeApp),
					AutomountServiceAccountToken: pulumi.Bool(false),
					SecurityContext:              kube.PodSecurity(exporterUID),
					// Every node is measured, a tainted one too.
					Tolerations: corev1.TolerationArray{&corev1.TolerationArgs{Operator: pulumi.String("Exists")}},
					Containers:  corev1.ContainerArray{nodeContainer(w)},
					Volumes: corev1.VolumeArray{&corev1.VolumeArgs{
						Name: pulumi.String("root"), HostPath: &corev1.HostPathVolumeSourceArgs{Path: pulumi.String("/")},
					}},
				},
			},
		},
	}, kube.After(opts, account...)...)
	if err != nil {
		return fmt.Errorf("node-exporter: %w", err)
	}
	return nil
}

func nodeContainer(w workload.Workload) *corev1.ContainerArgs {
	mount := kube.Mount("root", "/host")
	mount.MountPropagation = pulumi.String("HostToContainer")
	return &corev1.ContainerArgs{
		Name:  pulumi.String(nodeApp),
		Image: pulumi.String(nodeImage),
		Args: pulumi.ToStringArray([]string{
			"--path.rootfs=/host", "--path.procfs=/host/proc", "--path.sysfs=/host/sys",
			"--collector.disable-defaults",
			"--collector.cpu", "--collector.diskstats", "--collector.filesystem", "--collector.loadavg", "--collector.meminfo",
			fmt.Sprintf("--web.listen-address=:%d", portNode),
		}),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portNode)},
		Resources:       kube.Resources(w),
		SecurityContext: kube.ContainerSecurity(),
		ReadinessProbe:  kube.HTTPProbe("/", "http", 10),
		LivenessProbe:   kube.HTTPProbe("/", "http", 30),
		VolumeMounts:    corev1.VolumeMountArray{mount},
	}
}
