package monitoring

import (
	"fmt"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	// Neither image has a digest, because none is confirmed; Renovate's first pull request
	// adds them.
	vmalertImage      = "docker.io/victoriametrics/vmalert:v1.150.0"
	alertmanagerImage = "docker.io/prom/alertmanager:v0.34.2"
	alertsUID         = 65534
	portVMAlert       = 8880
	portAlertmanager  = 9093

	secretsPath = "/secrets"

	secretsVolume kube.Volume = "secrets"
)

// alerting declares vmalert and Alertmanager in one Pod.
func (a Args) alerting(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	account, err := kube.Account{Ref: workload.VMAlert}.Register(ctx, opts...)
	if err != nil {
		return err
	}
	files := a.alertFiles()
	config, err := corev1.NewConfigMap(ctx, workload.VMAlert.Name, &corev1.ConfigMapArgs{
		Metadata: kube.Meta(workload.VMAlert, workload.VMAlert.Name), Data: pulumi.ToStringMap(files),
	}, opts...)
	if err != nil {
		return fmt.Errorf("alerts: config: %w", err)
	}
	secret, err := corev1.NewSecret(ctx, workload.VMAlert.Name, a.Alerts.secret(), opts...)
	if err != nil {
		return fmt.Errorf("alerts: secret: %w", err)
	}
	after := kube.After(opts, slices.Concat(account, []pulumi.Resource{config, secret})...)
	if _, err := appsv1.NewDeployment(ctx, workload.VMAlert.Name, a.vmalertDeployment(files), after...); err != nil {
		return fmt.Errorf("alerts: deployment: %w", err)
	}
	return nil
}

func (a Args) vmalertDeployment(files map[string]string) *appsv1.DeploymentArgs {
	pod := kube.Pod(workload.VMAlert, alertsUID)
	pod.Containers = corev1.ContainerArray{a.vmalert(), a.alertmanager()}
	pod.Volumes = corev1.VolumeArray{
		configVolume.FromConfigMap(workload.VMAlert.Name), secretsVolume.FromSecret(workload.VMAlert.Name), dataVolume.Scratch("16Mi"), tmpVolume.Scratch("16Mi"),
	}
	annotations := kube.WithChecksum(kube.Scraped(portAlertmanager, "/metrics"), files["rules.yaml"], files["alertmanager.yaml"])
	return kube.Deployment(workload.VMAlert, a.VMAlert, annotations, pod)
}

// vmalert returns the container that evaluates the rules. It stores the state of alerts in
// VictoriaMetrics, and reads it when it starts.
func (a Args) vmalert() *corev1.ContainerArgs {
	store := fmt.Sprintf("http://%s:%d", workload.StoreHost, portStore)
	health := kube.Endpoint{Path: "/health", Port: "vmalert"}
	return &corev1.ContainerArgs{
		Name:  pulumi.String(workload.VMAlert.Name),
		Image: pulumi.String(vmalertImage),
		Args: pulumi.ToStringArray(append(alerts.VMAlert("/config/rules.yaml", store, fmt.Sprintf("http://127.0.0.1:%d", portAlertmanager)),
			fmt.Sprintf("-httpListenAddr=:%d", portVMAlert), "-external.url=https://"+a.Host+"/")),
		Ports:           corev1.ContainerPortArray{kube.Port("vmalert", portVMAlert)},
		Resources:       kube.Resources(a.VMAlert),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    health.StartupProbe(),
		ReadinessProbe:  health.Probe(10),
		LivenessProbe:   health.Probe(30),
		VolumeMounts:    corev1.VolumeMountArray{configVolume.At("/config"), tmpVolume.WritableAt("/tmp")},
	}
}

// alertmanager returns the container that sends messages. It has no volume: after a restart it
// sends those again whose alerts still fire, and forgets silences.
func (a Args) alertmanager() *corev1.ContainerArgs {
	healthy := kube.Endpoint{Path: "/-/healthy", Port: "alertmanager"}
	ready := kube.Endpoint{Path: "/-/ready", Port: "alertmanager"}
	return &corev1.ContainerArgs{
		Name:  pulumi.String("alertmanager"),
		Image: pulumi.String(alertmanagerImage),
		Args: pulumi.ToStringArray(append(alerts.Alertmanager("/config/alertmanager.yaml", "/data"),
			fmt.Sprintf("--web.listen-address=:%d", portAlertmanager), "--web.external-url=https://"+a.Host+"/")),
		Ports:           corev1.ContainerPortArray{kube.Port("alertmanager", portAlertmanager)},
		Resources:       kube.ShareOf(a.VMAlert.Sidecar),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    healthy.StartupProbe(),
		ReadinessProbe:  ready.Probe(10),
		LivenessProbe:   healthy.Probe(30),
		VolumeMounts:    corev1.VolumeMountArray{configVolume.At("/config"), secretsVolume.At(secretsPath), dataVolume.WritableAt("/data")},
	}
}
