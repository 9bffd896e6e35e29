package pooler

import (
	"path"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	// image has no digest, because none is confirmed; Renovate's first pull request adds it.
	// Do not use 1.25: with verifiers in its auth_file, tenants cannot log in to the server
	// after it has cached their verifier (pgbouncer#1504).
	image = "ghcr.io/cloudnative-pg/pgbouncer:1.26.0-202610011121-trixie"
	// exporterImage is the version that the tests run; no digest is confirmed.
	exporterImage = "quay.io/prometheuscommunity/pgbouncer-exporter:v0.12.0"
	// uid may be any number but root's 0: the program needs no user of its image.
	uid = 65532

	folder       = "/etc/pooler"
	runFolder    = "/run/pgbouncer"
	socketFolder = "/run/console"

	// drainSeconds is longer than it takes until clients no longer connect to a Pod that
	// ends. stopSeconds is the time for open transactions: the longest statement of a tier
	// takes 60 seconds.
	drainSeconds = 5
	stopSeconds  = 65

	// transactionSeconds is more than the longest statement of a tier, 60 seconds.
	transactionSeconds = 120
)

// The volumes of a Pod: files has the Secret, run PgBouncer's own files, console the Unix
// socket.
const (
	filesVolume   kube.Volume = "files"
	runVolume     kube.Volume = "run"
	consoleVolume kube.Volume = "console"
)

func (a Args) deployment() *appsv1.DeploymentArgs {
	pod := kube.Pod(workload.Pooler, uid)
	pod.TerminationGracePeriodSeconds = pulumi.Int(drainSeconds + stopSeconds)
	pod.Containers = corev1.ContainerArray{a.container(), a.exporter()}
	pod.Volumes = corev1.VolumeArray{filesVolume.FromSecret(workload.Pooler.Name), runVolume.Scratch("4Mi"), consoleVolume.Scratch("1Mi")}
	// The script reloads PgBouncer when a file changes, so only a change of the script
	// itself replaces the Pods.
	return kube.Deployment(workload.Pooler, a.Pods, kube.WithChecksum(kube.Scraped(workload.PoolerMetricsPort, "/metrics"), tenancy.PoolerScript()), pod)
}

func (a Args) container() *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:            pulumi.String(workload.Pooler.Name),
		Image:           pulumi.String(image),
		Command:         pulumi.ToStringArray([]string{"sh", path.Join(folder, tenancy.PoolerEntrypoint)}),
		Env:             corev1.EnvVarArray{kube.Variable{Name: "POOLER", Value: folder}.Args(), kube.Variable{Name: "POOLER_RUN", Value: runFolder}.Args()},
		Ports:           corev1.ContainerPortArray{kube.Port("postgres", workload.PoolerPort)},
		Resources:       kube.Resources(a.Pods),
		SecurityContext: kube.ContainerSecurity(),
		ReadinessProbe:  probe(5),
		LivenessProbe:   probe(20),
		Lifecycle:       kube.DrainFirst(drainSeconds),
		VolumeMounts:    corev1.VolumeMountArray{filesVolume.At(folder), runVolume.WritableAt(runFolder), consoleVolume.WritableAt(socketFolder)},
	}
}

// exporter returns the container that exports the figures of the administration console. It
// connects through the Unix socket, where PgBouncer accepts its uid without a password. The
// socket has its own folder, because the other folders have verifiers and the private key.
// It has no readiness probe, so that a Pod whose exporter fails still serves clients.
func (a Args) exporter() *corev1.ContainerArgs {
	return &corev1.ContainerArgs{
		Name:            pulumi.String("exporter"),
		Image:           pulumi.String(exporterImage),
		Args:            pulumi.ToStringArray(tenancy.PoolerExporter(socketFolder, workload.PoolerPort, workload.PoolerMetricsPort)),
		Ports:           corev1.ContainerPortArray{kube.Port("metrics", workload.PoolerMetricsPort)},
		Resources:       kube.ShareOf(a.Pods.Sidecar),
		SecurityContext: kube.ContainerSecurity(),
		LivenessProbe:   kube.Endpoint{Path: "/", Port: "metrics"}.Probe(30),
		VolumeMounts:    corev1.VolumeMountArray{consoleVolume.At(socketFolder)},
	}
}

// probe returns a probe that checks whether the port is open. It does not check the
// database: while that restarts, the pooler keeps its clients and waits.
func probe(periodSeconds int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		TcpSocket:     &corev1.TCPSocketActionArgs{Port: pulumi.String("postgres")},
		PeriodSeconds: pulumi.Int(periodSeconds), TimeoutSeconds: pulumi.Int(2), FailureThreshold: pulumi.Int(3),
	}
}

// secret returns the Secret with all files of the pooler. It is updated in place when
// tenants change.
func (a Args) secret() *corev1.SecretArgs {
	files := pulumi.All(a.Admin, a.DatabaseCA, a.Seed, a.Verifiers).ApplyT(func(v []any) (map[string]string, error) {
		return tenancy.Pooler{
			Folder: folder, RunFolder: runFolder, SocketFolder: socketFolder, Port: workload.PoolerPort, Hosts: hosts(), Shared: a.Shared,
			TransactionSeconds: transactionSeconds,
		}.Files(v[0].(string), v[1].(string), v[2].(string), v[3].(string), settings.TenantsOf(a.Tenants))
	}).(pulumi.StringMapOutput)
	return &corev1.SecretArgs{
		Metadata:   kube.Meta(workload.Pooler, workload.Pooler.Name),
		StringData: pulumi.ToSecret(files).(pulumi.StringMapOutput),
	}
}

func service() *corev1.ServiceArgs {
	return &corev1.ServiceArgs{
		Metadata: kube.Meta(workload.Pooler, workload.Pooler.Name),
		Spec: &corev1.ServiceSpecArgs{
			Selector: kube.Selector(workload.Pooler),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("postgres"), Port: pulumi.Int(workload.PoolerPort), TargetPort: pulumi.String("postgres"),
			}},
		},
	}
}
