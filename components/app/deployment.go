package app

import (
	"maps"
	"path"
	"slices"
	"strconv"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	uid         = 65532
	servicePort = 80
	// drainSeconds is longer than the ingress controller takes to stop sending requests to
	// a Pod that ends. stopSeconds is the time that the app then has to finish requests.
	drainSeconds = 5
	stopSeconds  = 25
	// urlKey is the key of the connection string in the Secret.
	urlKey = "url"

	tmpVolume     kube.Volume = "tmp"
	caVolume      kube.Volume = "postgres-ca"
	tenantsVolume kube.Volume = "tenants"
)

// caFolder and caFile are the folder and the file name of the certificate authority.
var caFolder, caFile = path.Dir(pgurl.CAPath), path.Base(pgurl.CAPath)

func (a Args) deployment() *appsv1.DeploymentArgs {
	pod := kube.Pod(workload.App, uid)
	pod.TerminationGracePeriodSeconds = pulumi.Int(drainSeconds + stopSeconds)
	pod.Containers = corev1.ContainerArray{a.container()}
	pod.Volumes = corev1.VolumeArray{
		tmpVolume.Scratch("64Mi"), caVolume.FromSecret(databaseSecret, caFile), tenantsFiles(),
	}
	if a.Registry != nil {
		pod.ImagePullSecrets = corev1.LocalObjectReferenceArray{
			&corev1.LocalObjectReferenceArgs{Name: pulumi.String(registrySecret)},
		}
	}
	return kube.Deployment(workload.App, a.Pods, a.annotations(), pod)
}

// annotations returns the annotations of a Pod. The checksums replace the Pods when the
// connection string, the certificate authorities or the secret variables change. Most programs
// read the authorities once, when they start.
func (a Args) annotations() pulumi.StringMap {
	out := kube.Scraped(a.Port, a.MetricsPath)
	out["checksum/database"] = kube.SecretChecksum(pulumi.Sprintf("%s\n%s", a.DatabaseURL, a.DatabaseCA))
	if len(a.SecretEnv) > 0 {
		out["checksum/secrets"] = a.secretsChecksum()
	}
	return out
}

func (a Args) container() *corev1.ContainerArgs {
	health := kube.Endpoint{Path: a.HealthPath, Port: "http"}
	return &corev1.ContainerArgs{
		Name:            pulumi.String(workload.App.Name),
		Image:           pulumi.String(a.Image),
		Env:             a.env(),
		Ports:           corev1.ContainerPortArray{kube.Port("http", a.Port)},
		Resources:       kube.Resources(a.Pods),
		SecurityContext: kube.ContainerSecurity(),
		StartupProbe:    health.StartupProbe(),
		ReadinessProbe:  kube.Endpoint{Path: a.ReadyPath, Port: "http"}.Probe(5),
		LivenessProbe:   health.Probe(10),
		Lifecycle:       kube.DrainFirst(drainSeconds),
		VolumeMounts: corev1.VolumeMountArray{
			tmpVolume.WritableAt("/tmp"), caVolume.At(caFolder), tenantsVolume.At(workload.TenantsPath),
		},
	}
}

// env returns the variables of docs/app-contract.md, then those of Env and SecretEnv.
func (a Args) env() corev1.EnvVarArray {
	env := corev1.EnvVarArray{
		kube.Variable{Name: "PORT", Value: strconv.Itoa(a.Port)}.Args(),
		kube.Variable{Name: "PUBLIC_URL", Value: "https://" + a.Domain}.Args(),
		kube.Variable{Name: "PGSSLROOTCERT", Value: pgurl.CAPath}.Args(),
		secretVariable{name: "DATABASE_URL", secret: databaseSecret, key: urlKey}.args(),
	}
	for _, key := range slices.Sorted(maps.Keys(a.Env)) {
		env = append(env, kube.Variable{Name: key, Value: a.Env[key]}.Args())
	}
	for _, key := range slices.Sorted(maps.Keys(a.SecretEnv)) {
		env = append(env, secretVariable{name: key, secret: envSecret, key: key}.args())
	}
	return env
}

func (a Args) secret() *corev1.SecretArgs {
	return &corev1.SecretArgs{
		Metadata: kube.Meta(workload.App, databaseSecret),
		StringData: pulumi.StringMap{
			urlKey: pulumi.ToSecret(a.DatabaseURL).(pulumi.StringOutput),
			caFile: a.DatabaseCA.ToStringOutput(),
		},
	}
}

func (a Args) service() *corev1.ServiceArgs {
	return &corev1.ServiceArgs{
		Metadata: kube.Meta(workload.App, workload.App.Name),
		Spec: &corev1.ServiceSpecArgs{
			Selector: kube.Selector(workload.App),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(servicePort), TargetPort: pulumi.String("http"),
			}},
		},
	}
}
