package kube

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Level is a Pod Security standard.
type Level string

// All namespaces of the platform have the level Restricted, except that of node-exporter,
// which reads the host's files.
const (
	Restricted Level = "restricted"
	Privileged Level = "privileged"
)

// Namespace declares a namespace with a Pod Security standard. Its network policies deny all
// connections except DNS queries; a Policy allows more. Resources in the namespace must depend
// on the returned one.
func Namespace(ctx *pulumi.Context, name string, level Level, opts ...pulumi.ResourceOption) (*corev1.Namespace, error) {
	ns, err := corev1.NewNamespace(ctx, name, NamespaceArgs(name, level), opts...)
	if err != nil {
		return nil, fmt.Errorf("namespace %q: %w", name, err)
	}
	inside := After(opts, ns)
	if _, err := RegisterPolicies(ctx, []Policy{denyAll(name), allowDNS(name)}, inside...); err != nil {
		return nil, err
	}
	return ns, nil
}

// NamespaceArgs returns the arguments of the namespace, without its policies.
func NamespaceArgs(name string, level Level) *corev1.NamespaceArgs {
	labels := Labels(name)
	for _, mode := range []string{"enforce", "audit", "warn"} {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String(level)
	}
	return &corev1.NamespaceArgs{Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(name), Labels: labels}}
}
