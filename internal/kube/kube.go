// Package kube holds what every Kubernetes object of the platform has in common:
// labels, security contexts, resources, probes, namespaces and network policies.
// All of it is plain construction; only Namespace registers resources.
package kube

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/workload"
)

const nameLabel = "app.kubernetes.io/name"

// Selector selects the Pods of one workload.
func Selector(of workload.Ref) pulumi.StringMap {
	return pulumi.StringMap{nameLabel: pulumi.String(of.Name)}
}

// Labels are on every object of one workload.
func Labels(app string) pulumi.StringMap {
	return pulumi.StringMap{
		nameLabel:                      pulumi.String(app),
		"app.kubernetes.io/part-of":    pulumi.String("platform"),
		"app.kubernetes.io/managed-by": pulumi.String("pulumi"),
	}
}

// Meta returns the metadata of a workload's object: its name, the workload's namespace
// and labels. Without a namespace the object is one of the whole cluster.
func Meta(of workload.Ref, name string) *metav1.ObjectMetaArgs {
	meta := &metav1.ObjectMetaArgs{Name: pulumi.String(name), Labels: Labels(of.Name)}
	if of.Namespace != "" {
		meta.Namespace = pulumi.String(of.Namespace)
	}
	return meta
}

// ClusterMeta returns the metadata of an object of the whole cluster.
func ClusterMeta(of workload.Ref, name string) *metav1.ObjectMetaArgs {
	return Meta(workload.Ref{Name: of.Name}, name)
}

// Scraped are the annotations by which the metrics store finds a Pod.
func Scraped(port int, path string) pulumi.StringMap {
	return pulumi.StringMap{
		"prometheus.io/scrape": pulumi.String("true"),
		"prometheus.io/port":   pulumi.Sprintf("%d", port),
		"prometheus.io/path":   pulumi.String(path),
	}
}

// Pod returns the frame of a Pod under the account of its workload. It gets no token of
// the account, and no variables about the Services of its namespace.
func Pod(of workload.Ref, uid int) *corev1.PodSpecArgs {
	return &corev1.PodSpecArgs{
		ServiceAccountName:           pulumi.String(of.Name),
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		SecurityContext:              podSecurity(uid),
	}
}

// podSecurity is the context of a Pod under the "restricted" standard.
func podSecurity(uid int) *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(true),
		RunAsUser:      pulumi.Int(uid),
		RunAsGroup:     pulumi.Int(uid),
		FsGroup:        pulumi.Int(uid),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
}

// ContainerSecurity is the context of a container under the "restricted"
// standard, with a root file system that cannot be written.
func ContainerSecurity() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
	}
}

// Resources are the requests and limits that the sizing counted. CPU has no
// limit: an idle core may be used, and throttling would only slow requests.
func Resources(pods components.Pods) *corev1.ResourceRequirementsArgs { return ShareOf(pods.Main()) }

// ShareOf are the requests and limits of one container of several.
func ShareOf(w components.Share) *corev1.ResourceRequirementsArgs {
	limits := pulumi.StringMap{"memory": pulumi.String(w.Limit.Memory())}
	if w.Limit.MilliCPU > 0 {
		limits["cpu"] = pulumi.String(w.Limit.CPU())
	}
	return &corev1.ResourceRequirementsArgs{
		Requests: pulumi.StringMap{"cpu": pulumi.String(w.Request.CPU()), "memory": pulumi.String(w.Request.Memory())},
		Limits:   limits,
	}
}

// HTTPProbe asks a path of a named port every period seconds; three failures in
// a row count.
func HTTPProbe(path, port string, periodSeconds int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:       &corev1.HTTPGetActionArgs{Path: pulumi.String(path), Port: pulumi.String(port)},
		PeriodSeconds: pulumi.Int(periodSeconds), TimeoutSeconds: pulumi.Int(2), FailureThreshold: pulumi.Int(3),
	}
}

// StartupProbe gives a container two minutes to answer for the first time.
func StartupProbe(path, port string) *corev1.ProbeArgs {
	probe := HTTPProbe(path, port, 2)
	probe.FailureThreshold = pulumi.Int(60)
	return probe
}

// Variable is a plain environment variable.
func Variable(name, value string) *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(name), Value: pulumi.String(value)}
}

// Port names a container's port.
func Port(name string, port int) *corev1.ContainerPortArgs {
	return &corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(port)}
}

// Scratch is a directory in memory-backed or node storage that lives as long as
// its Pod, for programs that insist on writing somewhere.
func Scratch(name, sizeLimit string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:     pulumi.String(name),
		EmptyDir: &corev1.EmptyDirVolumeSourceArgs{SizeLimit: pulumi.String(sizeLimit)},
	}
}

// ConfigVolume mounts a ConfigMap's keys as files.
func ConfigVolume(name, configMap string) *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name:      pulumi.String(name),
		ConfigMap: &corev1.ConfigMapVolumeSourceArgs{Name: pulumi.String(configMap)},
	}
}

// Mount puts a volume at a path, read only.
func Mount(name, path string) *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(name), MountPath: pulumi.String(path), ReadOnly: pulumi.Bool(true)}
}

// WritableMount puts a volume at a path for writing.
func WritableMount(name, path string) *corev1.VolumeMountArgs {
	return &corev1.VolumeMountArgs{Name: pulumi.String(name), MountPath: pulumi.String(path)}
}

// DrainFirst waits before a container is told to stop, so that the load
// balancers have taken it out of their lists when it does.
func DrainFirst(seconds int) *corev1.LifecycleArgs {
	return &corev1.LifecycleArgs{PreStop: &corev1.LifecycleHandlerArgs{
		Sleep: &corev1.SleepActionArgs{Seconds: pulumi.Int(seconds)},
	}}
}

// Required returns an error when a component's input is nil. The path names the input in
// the message.
func Required(path string, input pulumi.Input) error {
	if input == nil {
		return fmt.Errorf("%s: is missing", path)
	}
	return nil
}
