// Package ingress declares Traefik: the one way into the cluster.
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

// Args say what Traefik is sized for and how it is reached.
type Args struct {
	// Pods is how many replicas run, and what each gets.
	Pods components.Pods
	// TrustedRange is the network of DigitalOcean's load balancer, which announces
	// the client's address by the PROXY protocol. Empty on an existing cluster:
	// its load balancer is not known to speak it.
	TrustedRange string
	// Redirects lead from old hosts of tenants to their new ones.
	Redirects []Redirect
	// HSTSIncludeSubdomains tells browsers to reach every subdomain over HTTPS alone.
	HSTSIncludeSubdomains bool
	// Protect refuses to delete the load balancer and Traefik.
	Protect bool
	// Address is where an existing cluster is reached when its Service of type
	// LoadBalancer gets no address. Empty asks for a load balancer.
	Address string
}

// Redirect sends everyone from a tenant's old host to its new one, path and query
// included.
type Redirect struct {
	// Tenant is its name, from which its middleware has its own.
	Tenant string
	// OldHost and NewHost are full host names.
	OldHost, NewHost string
}

// Ingress holds the outputs that other components use.
type Ingress struct {
	pulumi.ResourceState

	// Namespace is where the certificate goes; it is known when it exists.
	Namespace pulumi.StringOutput `pulumi:"namespace"`
	// Address is the IPv4 address that DNS records point to.
	Address pulumi.StringOutput `pulumi:"address"`
}

// New declares the ingress controller; invalid args register nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Ingress, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("ingress %q: %w", name, err)
	}
	i := &Ingress{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, pulumi.Map{"trustedRange": pulumi.String(args.TrustedRange)}, i, opts...); err != nil {
		return nil, fmt.Errorf("ingress %q: register: %w", name, err)
	}
	ns, err := kube.Namespace(ctx, workload.IngressNamespace, kube.Restricted, pulumi.Parent(i))
	if err != nil {
		return nil, fmt.Errorf("ingress %q: %w", name, err)
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(i), pulumi.DependsOn([]pulumi.Resource{ns})}
	if err := args.controller(ctx, i, inside); err != nil {
		return nil, fmt.Errorf("ingress %q: %w", name, err)
	}
	service, err := corev1.NewService(ctx, workload.Traefik.Name, args.service(name), kube.Protected(inside, args.Protect)...)
	if err != nil {
		return nil, fmt.Errorf("ingress %q: service: %w", name, err)
	}
	i.Namespace = ns.Metadata.Name().Elem()
	i.Address = args.address(service)
	return i, ctx.RegisterResourceOutputs(i, pulumi.Map{"namespace": i.Namespace, "address": i.Address})
}

// controller declares what runs, and what it may do.
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

// account may read routes of its own namespace, whose only Secret is the
// certificate; an Ingress controller that watches other namespaces reads every
// Secret there.
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

// policies: the Internet may come in, and Traefik may go to the app, to Grafana
// and to the API server.
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
		errs = append(errs, errors.New("pods: has no replicas"))
	}
	if a.TrustedRange != "" && a.Address != "" {
		errs = append(errs, errors.New("address: does not go with a load balancer's trustedRange"))
	}
	return errors.Join(errs...)
}
