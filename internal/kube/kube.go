// Package kube builds the parts that all Kubernetes objects of the platform share: labels,
// security contexts, resources, probes, volumes, rollouts and network policies. Most of its
// functions only return arguments. Namespace, RegisterPolicies and Account.Register register
// resources.
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

// Selector returns the labels that select the Pods of a workload.
func Selector(of workload.Ref) pulumi.StringMap {
	return pulumi.StringMap{nameLabel: pulumi.String(of.Name)}
}

// Labels returns the labels of every object of a workload, by the workload's name.
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

// Scraped returns the annotations of a Pod that the metrics store scrapes, over HTTP on a
// port and a path.
func Scraped(port int, path string) pulumi.StringMap {
	return pulumi.StringMap{
		"prometheus.io/scrape": pulumi.String("true"),
		"prometheus.io/port":   pulumi.Sprintf("%d", port),
		"prometheus.io/path":   pulumi.String(path),
	}
}

// Pod returns a Pod without containers, for a user id that is not root's. It runs under the
// service account of its workload, which must exist. It has no token of the account, and no
// environment variables about the Services of its namespace.
func Pod(of workload.Ref, uid int) *corev1.PodSpecArgs {
	return &corev1.PodSpecArgs{
		ServiceAccountName:           pulumi.String(of.Name),
		AutomountServiceAccountToken: pulumi.Bool(false),
		EnableServiceLinks:           pulumi.Bool(false),
		SecurityContext:              podSecurity(uid),
	}
}

// podSecurity returns the security context of a Pod for the standard "restricted".
func podSecurity(uid int) *corev1.PodSecurityContextArgs {
	return &corev1.PodSecurityContextArgs{
		RunAsNonRoot:   pulumi.Bool(true),
		RunAsUser:      pulumi.Int(uid),
		RunAsGroup:     pulumi.Int(uid),
		FsGroup:        pulumi.Int(uid),
		SeccompProfile: &corev1.SeccompProfileArgs{Type: pulumi.String("RuntimeDefault")},
	}
}

// ContainerSecurity returns the security context of a container for the standard
// "restricted". The container's root file system is read-only.
func ContainerSecurity() *corev1.SecurityContextArgs {
	return &corev1.SecurityContextArgs{
		AllowPrivilegeEscalation: pulumi.Bool(false),
		ReadOnlyRootFilesystem:   pulumi.Bool(true),
		Capabilities:             &corev1.CapabilitiesArgs{Drop: pulumi.ToStringArray([]string{"ALL"})},
	}
}

// Resources returns the requests and limits of a Pod's first container. The platform's Pods
// have no CPU limit: a limit would slow requests while a core is idle.
func Resources(pods components.Pods) *corev1.ResourceRequirementsArgs { return ShareOf(pods.Main()) }

// ShareOf returns the requests and limits of one container. A CPU limit of 0 means no limit.
func ShareOf(share components.Share) *corev1.ResourceRequirementsArgs {
	limits := pulumi.StringMap{"memory": pulumi.String(share.Limit.Memory())}
	if share.Limit.MilliCPU > 0 {
		limits["cpu"] = pulumi.String(share.Limit.CPU())
	}
	return &corev1.ResourceRequirementsArgs{
		Requests: pulumi.StringMap{"cpu": pulumi.String(share.Request.CPU()), "memory": pulumi.String(share.Request.Memory())},
		Limits:   limits,
	}
}

// Endpoint is a path that a container serves over HTTP.
type Endpoint struct {
	Path string
	// Port is the name of a port of the container (Port).
	Port string
}

// Probe returns a probe of the endpoint. It runs every periodSeconds with a timeout of 2
// seconds, and fails after 3 failures in a row.
func (e Endpoint) Probe(periodSeconds int) *corev1.ProbeArgs {
	return &corev1.ProbeArgs{
		HttpGet:       &corev1.HTTPGetActionArgs{Path: pulumi.String(e.Path), Port: pulumi.String(e.Port)},
		PeriodSeconds: pulumi.Int(periodSeconds), TimeoutSeconds: pulumi.Int(2), FailureThreshold: pulumi.Int(3),
	}
}

// StartupProbe returns a probe that gives a container 2 minutes until its first answer.
func (e Endpoint) StartupProbe() *corev1.ProbeArgs {
	probe := e.Probe(2)
	probe.FailureThreshold = pulumi.Int(60)
	return probe
}

// Variable is a plain environment variable.
type Variable struct{ Name, Value string }

// Args returns the variable as the arguments of a container.
func (v Variable) Args() *corev1.EnvVarArgs {
	return &corev1.EnvVarArgs{Name: pulumi.String(v.Name), Value: pulumi.String(v.Value)}
}

// Port returns a named TCP port of a container.
func Port(name string, port int) *corev1.ContainerPortArgs {
	return &corev1.ContainerPortArgs{Name: pulumi.String(name), ContainerPort: pulumi.Int(port)}
}

// DrainFirst returns a lifecycle that delays the stop of a container by some seconds. In this
// time load balancers remove the Pod from their lists.
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
