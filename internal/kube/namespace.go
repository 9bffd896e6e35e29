package kube

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
)

// Level is a Pod Security standard.
type Level string

// All namespaces of the platform have the level Restricted, except that of node-exporter,
// which reads the host's files.
const (
	Restricted Level = "restricted"
	Privileged Level = "privileged"
)

// Enclosed is a namespace with its policies and its quota.
type Enclosed struct {
	// Name is known when the namespace exists.
	Name pulumi.StringOutput
	// Ready are the namespace, its policies and its quota. Resources in the namespace must
	// depend on all of them: a Pod that starts before the policies may connect to everything.
	Ready []pulumi.Resource
}

// Namespace declares a namespace with a Pod Security standard. Its network policies deny all
// connections except DNS queries; a Policy allows more. Its quota is that of quotas.
func Namespace(ctx *pulumi.Context, name string, level Level, quotas components.Quotas, opts ...pulumi.ResourceOption) (Enclosed, error) {
	ns, err := corev1.NewNamespace(ctx, name, NamespaceArgs(name, level), opts...)
	if err != nil {
		return Enclosed{}, fmt.Errorf("namespace %q: %w", name, err)
	}
	policies, err := RegisterPolicies(ctx, []Policy{denyAll(name), allowDNS(name)}, After(opts, ns)...)
	if err != nil {
		return Enclosed{}, err
	}
	ready := append([]pulumi.Resource{ns}, policies...)
	if quota, ok := quotas[name]; ok {
		registered, err := corev1.NewResourceQuota(ctx, name+"-"+quotaName, quotaArgs(name, quota), After(opts, ns)...)
		if err != nil {
			return Enclosed{}, fmt.Errorf("quota of %q: %w", name, err)
		}
		ready = append(ready, registered)
	}
	return Enclosed{Name: ns.Metadata.Name().Elem(), Ready: ready}, nil
}

// NamespaceArgs returns the arguments of the namespace, without its policies.
func NamespaceArgs(name string, level Level) *corev1.NamespaceArgs {
	labels := Labels(name)
	for _, mode := range []string{"enforce", "audit", "warn"} {
		labels["pod-security.kubernetes.io/"+mode] = pulumi.String(level)
	}
	return &corev1.NamespaceArgs{Metadata: &metav1.ObjectMetaArgs{Name: pulumi.String(name), Labels: labels}}
}
