package monitoring

import (
	"fmt"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	storeImage = "docker.io/victoriametrics/victoria-metrics:v1.150.0@sha256:54467c7764a3e6579199af1914bb779f01ce32265cd552eb5ae0d4f8a2b80a97"
	storeUID   = 65532
	portStore  = workload.StorePort
)

// store declares VictoriaMetrics with its volume.
func (a Args) store(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	account, err := storeAccount.Register(ctx, opts...)
	if err != nil {
		return err
	}
	config, err := corev1.NewConfigMap(ctx, workload.VictoriaMetrics.Name, a.storeConfig(), opts...)
	if err != nil {
		return fmt.Errorf("store: config: %w", err)
	}
	claim, err := corev1.NewPersistentVolumeClaim(ctx, workload.VictoriaMetrics.Name, kube.Claim(workload.VictoriaMetrics, a.VictoriaMetrics, a.StorageClass), opts...)
	if err != nil {
		return fmt.Errorf("store: volume: %w", err)
	}
	if _, err := corev1.NewService(ctx, workload.VictoriaMetrics.Name, clusterService(workload.VictoriaMetrics, portStore), opts...); err != nil {
		return fmt.Errorf("store: service: %w", err)
	}
	after := kube.After(opts, slices.Concat(account, []pulumi.Resource{config, claim})...)
	if _, err := appsv1.NewDeployment(ctx, workload.VictoriaMetrics.Name, a.storeDeployment(), after...); err != nil {
		return fmt.Errorf("store: deployment: %w", err)
	}
	return nil
}

// storeAccount may find Pods and nodes, and read the metrics of each kubelet.
var storeAccount = kube.Account{
	Ref: workload.VictoriaMetrics,
	ClusterRules: []kube.Rule{
		{Resources: []string{"nodes", "pods"}, Verbs: kube.Read},
		{Resources: []string{"nodes/metrics"}, Verbs: []string{"get"}},
	},
}

func (a Args) storeConfig() *corev1.ConfigMapArgs {
	return &corev1.ConfigMapArgs{
		Metadata: kube.Meta(workload.VictoriaMetrics, workload.VictoriaMetrics.Name),
		Data:     pulumi.StringMap{"scrape.yaml": pulumi.String(a.scrapeConfig())},
	}
}

func (a Args) storeDeployment() *appsv1.DeploymentArgs {
	health := kube.Endpoint{Path: "/health", Port: "http"}
	container := &corev1.ContainerArgs{
		Name:  pulumi.String(workload.VictoriaMetrics.Name),
		Image: pulumi.String(storeImage),
		Args: pulumi.ToStringArray([]string{
			"-storageDataPath=/data",
			fmt.Sprintf("-retentionPeriod=%dd", a.RetentionDays),
			fmt.Sprintf("-httpListenAddr=:%d", portStore),
			"-promscrape.config=/config/scrape.yaml",
			"-loggerLevel=WARN",
		}),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portStore)},
		Resources:       kube.Resources(a.VictoriaMetrics),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    health.StartupProbe(),
		ReadinessProbe:  health.Probe(5),
		LivenessProbe:   health.Probe(30),
		VolumeMounts:    corev1.VolumeMountArray{configVolume.At("/config"), dataVolume.WritableAt("/data")},
	}
	pod := kube.Pod(workload.VictoriaMetrics, storeUID)
	pod.AutomountServiceAccountToken = pulumi.Bool(true)
	// VictoriaMetrics writes its memory to the volume when it stops.
	pod.TerminationGracePeriodSeconds = pulumi.Int(60)
	pod.Containers = corev1.ContainerArray{container}
	pod.Volumes = corev1.VolumeArray{
		configVolume.FromConfigMap(workload.VictoriaMetrics.Name), dataVolume.FromClaim(workload.VictoriaMetrics.Name),
	}
	annotations := kube.WithChecksum(kube.Scraped(portStore, "/metrics"), a.scrapeConfig())
	return kube.Deployment(workload.VictoriaMetrics, a.VictoriaMetrics, annotations, pod)
}

// clusterService returns a Service for a port named "http" of a workload.
func clusterService(of workload.Ref, port int) *corev1.ServiceArgs {
	return &corev1.ServiceArgs{
		Metadata: kube.Meta(of, of.Name),
		Spec: &corev1.ServiceSpecArgs{
			Selector: kube.Selector(of),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(port), TargetPort: pulumi.String("http"),
			}},
		},
	}
}
