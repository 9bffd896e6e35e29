// Package routes publishes Services under host names through Traefik, the ingress
// controller. It also has the names that the ingress component and the published components
// share: the ingress class, the certificate's Secret and Traefik's middlewares.
package routes

import (
	"fmt"
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// Class is the ingress class that the platform's ingress controller serves.
const Class = "platform"

// TLSSecret is the name of the Secret with the stack's wildcard certificate, in the ingress
// namespace.
const TLSSecret = "wildcard-tls"

// Suspended is the name of the middleware that answers every request with 503.
const Suspended = "suspended"

// Redirect returns the names of the middlewares that redirect a tenant's old host to its new
// one. Browsers may cache the answer for 5 minutes only, because another tenant may get the
// old name.
func Redirect(tenant string) []string {
	return []string{Briefly, "moved-to-" + tenant}
}

// Briefly is the name of the middleware that limits to 5 minutes how long an answer may be
// cached.
const Briefly = "briefly"

// TierLimit returns the name of the middleware with the rate limit of a tier. The limit
// applies to each host separately.
func TierLimit(tier string) string { return "plan-" + tier }

// OfTier returns the name of the route with the hosts of a tier's active tenants.
func OfTier(tier string) string { return "tenants-" + tier }

// TenantRouters returns a regular expression for the names of the routers of active tenants
// below a stack's domain. Its group is the tenant's name, with one hyphen for several. Traefik
// names a router of an Ingress after namespace, Ingress and host, with a hyphen for each other
// character. It puts the entry point before that if the router has several
// (pkg/provider/kubernetes/ingress and pkg/server/aggregator.go of v3.7.11).
func TenantRouters(domain string) string {
	var names []string
	for _, tier := range settings.Tiers {
		names = append(names, OfTier(tier.Name))
	}
	return fmt.Sprintf("(?:websecure-)?%s-(?:%s)-(.+)-%s@kubernetes",
		workload.IngressNamespace, strings.Join(names, "|"), strings.ReplaceAll(domain, ".", "-"))
}

// Route publishes a Service under host names. Its objects are in the ingress namespace and
// refer to the Service by its DNS name. The reason: the ingress controller faces the Internet
// and reads every Secret of the namespaces that it watches. So it watches only its own, whose
// one Secret is the certificate.
type Route struct {
	// Name is the name of the route's objects. It must be unique.
	Name string
	// Hosts are the host names. Each is a rule, so Traefik counts its requests separately.
	Hosts []string
	// Middlewares are the names of the middlewares that requests pass, in this order.
	Middlewares []string
	// In is the ingress namespace. It must exist.
	In pulumi.StringInput
	// Service and Port are those of the published Service.
	Service workload.Ref
	Port    int
}

// Register declares the route as a Service and an Ingress, both called "route-<Name>" in
// Pulumi.
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
			ExternalName: pulumi.Sprintf("%s.%s.svc.cluster.local", r.Service.Name, r.Service.Namespace),
			Ports: corev1.ServicePortArray{&corev1.ServicePortArgs{
				Name: pulumi.String("http"), Port: pulumi.Int(r.Port), TargetPort: pulumi.Int(r.Port),
			}},
		},
	}
}

func (r Route) ingressArgs() *networkingv1.IngressArgs {
	meta := r.meta()
	// Pulumi would wait for a load balancer's address on the Ingress, which never gets one:
	// only the Service of the ingress controller does.
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
