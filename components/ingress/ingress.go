// Package ingress declares Traefik, the ingress controller: all traffic from the Internet
// enters the cluster through it.
package ingress

import (
	"errors"
	"fmt"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/workload"
)

const typeToken = "platform:ingress:Ingress"

// Args are the arguments of New.
type Args struct {
	// Pods is the number of replicas, at least 1, and the resources of each.
	Pods components.Pods
	// TrustedRange (CIDR) is the network of DigitalOcean's load balancer. Traefik accepts
	// the PROXY protocol, which has the client's address, from this range only. Leave it
	// empty on a cluster whose load balancer may not use the protocol.
	TrustedRange string
	// Redirects are redirects from old hosts of tenants to new ones.
	Redirects []Redirect
	// HSTSIncludeSubdomains tells browsers to use only HTTPS for every subdomain, for two
	// years.
	HSTSIncludeSubdomains bool
	// Protect refuses to delete the load balancer and Traefik.
	Protect bool
	// Address is the IPv4 address of a cluster whose Services of type LoadBalancer get no
	// address. Empty asks for a load balancer. It excludes TrustedRange.
	Address string
	// Quotas limits what the component's namespaces may request. Nil sets no limits.
	Quotas components.Quotas
}

// Redirect redirects every request for a tenant's old host to its new one, with the same
// path and query.
type Redirect struct {
	// Tenant is the tenant's name. The middleware's name contains it (routes.Redirect).
	Tenant string
	// OldHost and NewHost are full host names.
	OldHost, NewHost string
}

// Ingress holds the outputs that other components use.
type Ingress struct {
	pulumi.ResourceState

	// Namespace is the namespace of Traefik, of its routes and of the certificate. It is
	// known when the namespace exists.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Address is the IPv4 address for the DNS records.
	Address pulumi.StringOutput `pulumi:"address"`
}

// New declares the ingress controller. If args are invalid it returns all faults and
// registers nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Ingress, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("ingress %q: %w", name, err)
	}
	i := &Ingress{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, pulumi.Map{"trustedRange": pulumi.String(args.TrustedRange)}, i, opts...); err != nil {
		return nil, fmt.Errorf("ingress %q: register: %w", name, err)
	}
	namespace, err := kube.Namespace(ctx, workload.IngressNamespace, kube.Restricted, args.Quotas, pulumi.Parent(i))
	if err != nil {
		return nil, fmt.Errorf("ingress %q: %w", name, err)
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(i), pulumi.DependsOn(namespace.Ready)}
	if err := args.controller(ctx, i, inside); err != nil {
		return nil, fmt.Errorf("ingress %q: %w", name, err)
	}
	service, err := corev1.NewService(ctx, workload.Traefik.Name, args.service(name), kube.Protected(inside, args.Protect)...)
	if err != nil {
		return nil, fmt.Errorf("ingress %q: service: %w", name, err)
	}
	i.Namespace = namespace.Name
	i.Address = args.address(service)
	return i, ctx.RegisterResourceOutputs(i, pulumi.Map{"namespace": i.Namespace, "address": i.Address})
}

// controller declares Traefik's Deployment with its configuration, roles and policies.
func (a Args) controller(ctx *pulumi.Context, parent pulumi.Resource, inside []pulumi.ResourceOption) error {
	if _, err := networkingv1.NewIngressClass(ctx, routes.Class, class(), pulumi.Parent(parent)); err != nil {
		return fmt.Errorf("class: %w", err)
	}
	identity, err := account.Register(ctx, inside...)
	if err != nil {
		return err
	}
	allowed, err := kube.RegisterPolicies(ctx, policies(), inside...)
	if err != nil {
		return err
	}
	config, err := corev1.NewConfigMap(ctx, workload.Traefik.Name, a.configMap(), inside...)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	if a.Pods.Replicas > 1 {
		if _, err := policyv1.NewPodDisruptionBudget(ctx, workload.Traefik.Name, kube.KeepAllButOne(workload.Traefik), inside...); err != nil {
			return fmt.Errorf("disruption budget: %w", err)
		}
	}
	after := kube.After(inside, slices.Concat(identity, allowed, []pulumi.Resource{config})...)
	_, err = appsv1.NewDeployment(ctx, workload.Traefik.Name, a.deployment(), kube.Protected(after, a.Protect)...)
	if err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	return nil
}

// account may read the routes and Secrets of its own namespace, whose only Secret is the
// certificate. An ingress controller that watches other namespaces reads every Secret there.
var account = kube.Account{
	Ref: workload.Traefik,
	Rules: []kube.Rule{
		{Resources: []string{"services", "secrets"}, Verbs: kube.Read},
		{Group: "discovery.k8s.io", Resources: []string{"endpointslices"}, Verbs: kube.Read},
		{Group: "networking.k8s.io", Resources: []string{"ingresses"}, Verbs: kube.Read},
	},
	ClusterRules: []kube.Rule{
		{Resources: []string{"nodes"}, Verbs: kube.Read},
		{Group: "networking.k8s.io", Resources: []string{"ingressclasses"}, Verbs: kube.Read},
	},
}

// policies returns the network policies. Any source may connect to Traefik's HTTP and HTTPS
// ports, and Traefik may connect to the app, to Grafana and to the API server.
func policies() []kube.Policy {
	return []kube.Policy{
		{Namespace: workload.IngressNamespace, Name: "allow-internet", App: workload.Traefik.Name,
			From: []kube.Peer{{Ports: []int{portHTTP, portHTTPS}}, kube.PeerOf(workload.VictoriaMetrics, portMetrics)}},
		{Namespace: workload.IngressNamespace, Name: "allow-routes", App: workload.Traefik.Name, To: []kube.Peer{
			{Namespace: workload.AppNamespace}, kube.PeerOf(workload.Grafana), kube.APIServer,
		}},
	}
}

func (a Args) validate() error {
	var errs []error
	if a.Pods.Replicas < 1 {
		errs = append(errs, fmt.Errorf("pods: %d replicas; 1 or more are needed", a.Pods.Replicas))
	}
	if a.TrustedRange != "" && a.Address != "" {
		errs = append(errs, errors.New("address: cannot be set with trustedRange, which is for a load balancer; leave one of them empty"))
	}
	return errors.Join(errs...)
}
