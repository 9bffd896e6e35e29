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
	grafanaImage = "docker.io/grafana/grafana:13.2.0@sha256:3fd54ae1214669f8355f065ec9f6445d5279a3d77095ab048ca045685272429b"
	grafanaUID   = 472
	portGrafana  = 3000
	adminSecret  = "grafana-admin"
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
		StringData: pulumi.StringMap{"password": password.Result},
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
		Namespace: workload.MonitoringNamespace, Service: workload.Grafana.Name, Port: portGrafana,
	}.Register(ctx, opts...)
}

func (a Args) grafanaDeployment(files provisioning, password pulumi.StringOutput) *appsv1.DeploymentArgs {
	container := &corev1.ContainerArgs{
		Name:            pulumi.String(workload.Grafana.Name),
		Image:           pulumi.String(grafanaImage),
		Env:             a.grafanaEnv(),
		Ports:           corev1.ContainerPortArray{kube.Port("http", portGrafana)},
		Resources:       kube.Resources(a.Grafana),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    kube.StartupProbe("/api/health", "http"),
		ReadinessProbe:  kube.HTTPProbe("/api/health", "http", 5),
		LivenessProbe:   kube.HTTPProbe("/api/health", "http", 30),
		VolumeMounts: corev1.VolumeMountArray{
			kube.Mount("config", configPath), kube.Mount("admin", "/etc/grafana-admin"),
			kube.WritableMount("data", "/var/lib/grafana"), kube.WritableMount("tmp", "/tmp"),
		},
	}
	annotations := kube.WithChecksum(kube.Scraped(portGrafana, "/metrics"), files.contents()...)
	// Grafana reads the password when it starts.
	annotations["checksum/password"] = kube.SecretChecksum(password)
	pod := kube.Pod(workload.Grafana, grafanaUID)
	pod.Containers = corev1.ContainerArray{container}
	pod.Volumes = corev1.VolumeArray{
		files.volume("config"), kube.SecretVolume("admin", adminSecret), kube.Scratch("data", "256Mi"), kube.Scratch("tmp", "64Mi"),
	}
	return kube.Deployment(workload.Grafana, a.Grafana, annotations, pod)
}

func (a Args) grafanaEnv() corev1.EnvVarArray {
	var env corev1.EnvVarArray
	for _, v := range [][2]string{
		{"GF_SERVER_ROOT_URL", "https://" + a.Host + "/"},
		{"GF_PATHS_PROVISIONING", configPath + "/provisioning"},
		{"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", configPath + "/dashboards/platform.json"},
		// A file, because everybody who may read the Pod can read its variables.
		{"GF_SECURITY_ADMIN_PASSWORD__FILE", "/etc/grafana-admin/password"},
		{"GF_SECURITY_COOKIE_SECURE", "true"},
		{"GF_USERS_ALLOW_SIGN_UP", "false"},
		{"GF_ANALYTICS_REPORTING_ENABLED", "false"},
		{"GF_ANALYTICS_CHECK_FOR_UPDATES", "false"},
		{"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"},
		{"GF_PLUGINS_PREINSTALL_DISABLED", "true"},
		{"GF_NEWS_NEWS_FEED_ENABLED", "false"},
		{"GF_METRICS_ENABLED", "true"},
		// Grafana 13 leaks memory when it compresses (grafana#123017).
		{"GF_SERVER_ENABLE_GZIP", "false"},
	} {
		env = append(env, &corev1.EnvVarArgs{Name: pulumi.String(v[0]), Value: pulumi.String(v[1])})
	}
	return env
}
