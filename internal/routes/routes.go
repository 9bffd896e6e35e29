// Package routes publishes Services under host names through the ingress controller,
// Traefik. It has the names that the ingress component, which configures Traefik, and
// the components that are published must share.
package routes

import (
	"fmt"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

// Class is the ingress class that the platform's ingress controller serves.
const Class = "platform"

// TLSSecret holds the stack's wildcard certificate, in the ingress namespace.
const TLSSecret = "wildcard-tls"

// Suspended names the middleware that answers every request with 503.
const Suspended = "suspended"

// Redirect names the middlewares that redirect a tenant's old host to its new one. The
// answer may be cached for some minutes only: the old name may go to another tenant.
func Redirect(tenant string) []string {
	return []string{Briefly, "moved-to-" + tenant}
}

// Briefly names the middleware that limits how long browsers and caches keep an answer.
const Briefly = "briefly"

// TierLimit names the middleware that limits requests to each host by a tenant's tier.
func TierLimit(tier string) string { return "plan-" + tier }

// Route publishes a Service under host names. Its objects live in the ingress
// namespace and point to the Service by name: the ingress controller faces the
// Internet and reads every Secret of a namespace it watches, so it watches that
// one alone, where there is no Secret but the certificate.
type Route struct {
	// Name of the route; Hosts answer on it.
	Name  string
	Hosts []string
	// Middlewares of the ingress controller that requests go through, in order.
	Middlewares []string
	// In is the ingress namespace; it is known when that exists.
	In pulumi.StringInput
	// Namespace, Service and Port are what it leads to.
	Namespace, Service string
	Port               int
}

// Register declares the route.
func (r Route) Register(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
	if _, err := corev1.NewService(ctx, "route-"+r.Name, r.serviceArgs(), opts...); err != nil {
		return fmt.Errorf("route %q: service: %w", r.Name, err)
	}
	if _, err := networkingv1.NewIngress(ctx, "route-"+r.Name, r.ingressArgs(), opts...); err != nil {
		return fmt.Errorf("route %q: ingress: %w", r.Name, err)
	}
	return nil
}

func (r Route) meta() *metav1.ObjectMetaArgs {
	meta := kube.Meta(workload.Ref{Name: r.Name}, r.Name)
	meta.Namespace = r.In.ToStringOutput()
	return meta
}

func (r Route) serviceArgs() *corev1.ServiceArgs {
	return &corev1.ServiceArgs{
		Metadata: r.meta(),
		Spec: &corev1.ServiceSpecArgs{
			Type:         pulumi.String("ExternalName"),
			ExternalName: pulumi.Sprintf("%s.%s.svc.cluster.local", r.Service, r.Namespace),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(r.Port), TargetPort: pulumi.Int(r.Port),
			}},
		},
	}
}

func (r Route) ingressArgs() *networkingv1.IngressArgs {
	meta := r.meta()
	// Nothing waits for a load balancer's address on an Ingress: the Service of the
	// ingress controller has it.
	annotations := pulumi.StringMap{"pulumi.com/skipAwait": pulumi.String("true")}
	if len(r.Middlewares) > 0 {
		annotations["traefik.ingress.kubernetes.io/router.middlewares"] = pulumi.String(strings.Join(r.Middlewares, "@file,") + "@file")
	}
	meta.Annotations = annotations
	var rules networkingv1.IngressRuleArray
	for _, host := range r.Hosts {
		rules = append(rules, r.rule(host))
	}
	return &networkingv1.IngressArgs{
		Metadata: meta,
		Spec: &networkingv1.IngressSpecArgs{
			IngressClassName: pulumi.String(Class),
			Tls: networkingv1.IngressTLSArray{&networkingv1.IngressTLSArgs{
				Hosts: pulumi.ToStringArray(r.Hosts), SecretName: pulumi.String(TLSSecret),
			}},
			Rules: rules,
		},
	}
}

func (r Route) rule(host string) *networkingv1.IngressRuleArgs {
	return &networkingv1.IngressRuleArgs{
		Host: pulumi.String(host),
		Http: &networkingv1.HTTPIngressRuleValueArgs{Paths: networkingv1.HTTPIngressPathArray{
			&networkingv1.HTTPIngressPathArgs{
				Path: pulumi.String("/"), PathType: pulumi.String("Prefix"),
				Backend: &networkingv1.IngressBackendArgs{Service: &networkingv1.IngressServiceBackendArgs{
					Name: pulumi.String(r.Name),
					Port: &networkingv1.ServiceBackendPortArgs{Number: pulumi.Int(r.Port)},
				}},
			},
		}},
	}
}
