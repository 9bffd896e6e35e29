package monitoring

import (
	"fmt"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	// 13.2.0 leaked memory with each compressed answer to a HEAD request (grafana#132743).
	grafanaImage = "docker.io/grafana/grafana:13.2.3@sha256:b28bae15e219c998fb0e0424ed724930cc61b1f61fb404d47c862f9a23f9e572"
	grafanaUID   = 472
	portGrafana  = 3000
	adminSecret  = "grafana-admin"
	adminPath    = "/etc/grafana-admin"
)

// The volumes of the Pods of Grafana and of VictoriaMetrics.
const (
	configVolume kube.Volume = "config"
	dataVolume   kube.Volume = "data"
	adminVolume  kube.Volume = "admin"
	tmpVolume    kube.Volume = "tmp"
)

// grafana declares Grafana and returns the password of its user "admin". Grafana has no
// volume. Its data source and its dashboards come from this program, so changes by hand are
// lost at a restart.
func (a Args) grafana(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (pulumi.StringOutput, error) {
	password, err := random.NewRandomPassword(ctx, name+"-grafana-admin", &random.RandomPasswordArgs{
		Length: pulumi.Int(32), Special: pulumi.Bool(false),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("admin password: %w", err)
	}
	secret, err := corev1.NewSecret(ctx, adminSecret, &corev1.SecretArgs{
		Metadata:   kube.Meta(workload.Grafana, adminSecret),
		StringData: a.OAuth.secrets(password.Result),
	}, opts...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("secret: %w", err)
	}
	files := a.provisioning()
	config, err := corev1.NewConfigMap(ctx, workload.Grafana.Name, files.configMap(), opts...)
	if err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("config: %w", err)
	}
	account, err := kube.Account{Ref: workload.Grafana}.Register(ctx, opts...)
	if err != nil {
		return pulumi.StringOutput{}, err
	}
	after := kube.After(opts, slices.Concat(account, []pulumi.Resource{config, secret})...)
	if _, err := appsv1.NewDeployment(ctx, workload.Grafana.Name, a.grafanaDeployment(files, password.Result), after...); err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("deployment: %w", err)
	}
	if _, err := corev1.NewService(ctx, workload.Grafana.Name, clusterService(workload.Grafana, portGrafana), opts...); err != nil {
		return pulumi.StringOutput{}, fmt.Errorf("service: %w", err)
	}
	return password.Result, routes.Route{
		Name: workload.Grafana.Name, Hosts: []string{a.Host}, In: a.IngressNamespace,
		Service: workload.Grafana, Port: portGrafana,
	}.Register(ctx, opts...)
}

func (a Args) grafanaDeployment(files provisioning, password pulumi.StringOutput) *appsv1.DeploymentArgs {
	health := kube.Endpoint{Path: "/api/health", Port: "http"}
	container := &corev1.ContainerArgs{
		Name:            pulumi.String(workload.Grafana.Name),
		Image:           pulumi.String(grafanaImage),
		Env:             a.grafanaEnv(),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portGrafana)},
		Resources:       kube.Resources(a.Grafana),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    health.StartupProbe(),
		ReadinessProbe:  health.Probe(5),
		LivenessProbe:   health.Probe(30),
		VolumeMounts: corev1.VolumeMountArray{
			configVolume.At(configPath), adminVolume.At(adminPath),
			dataVolume.WritableAt("/var/lib/grafana"), tmpVolume.WritableAt("/tmp"),
		},
	}
	annotations := kube.WithChecksum(kube.Scraped(portGrafana, "/metrics"), files.contents()...)
	// Grafana reads the password when it starts.
	annotations["checksum/password"] = kube.SecretChecksum(password)
	if a.OAuth.Secret != nil {
		annotations["checksum/oauth"] = kube.SecretChecksum(a.OAuth.Secret.ToStringOutput())
	}
	pod := kube.Pod(workload.Grafana, grafanaUID)
	pod.Containers = corev1.ContainerArray{container}
	pod.Volumes = corev1.VolumeArray{
		files.volume(), adminVolume.FromSecret(adminSecret), dataVolume.Scratch("256Mi"), tmpVolume.Scratch("64Mi"),
	}
	return kube.Deployment(workload.Grafana, a.Grafana, annotations, pod)
}
