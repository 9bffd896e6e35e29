package kube

import (
	"fmt"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// IngressClass is the class that the platform's ingress controller serves.
const IngressClass = "platform"

// TLSSecret holds the stack's wildcard certificate, in the ingress namespace.
const TLSSecret = "wildcard-tls"

// SuspendedMiddleware answers 503 to everyone.
const SuspendedMiddleware = "suspended"

// RedirectMiddlewares send everyone from a tenant's old host to its new one. Their
// answer may be kept for some minutes only: the old name may go to somebody else.
func RedirectMiddlewares(tenant string) []string {
	return []string{BrieflyMiddleware, "moved-to-" + tenant}
}

// BrieflyMiddleware limits how long browsers and caches keep an answer.
const BrieflyMiddleware = "briefly"

// PlanMiddleware limits requests to each host by a tenant's plan.
func PlanMiddleware(plan string) string { return "plan-" + plan }

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
	meta := Meta(r.Name, "", r.Name)
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
			IngressClassName: pulumi.String(IngressClass),
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
