// Package app declares the application: a Deployment with its Service, Secrets, network
// policies and routes. docs/app-contract.md says what the application must do.
package app

import (
	"errors"
	"fmt"
	"slices"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	typeToken      = "platform:app:App"
	databaseSecret = "database"
)

// Args are the arguments of New.
type Args struct {
	// Image is the container image, with an exact tag or a digest. Required.
	Image string
	// Port is the TCP port on which the image serves HTTP, 1024 to 65535.
	Port int
	// HealthPath is the HTTP path of the startup and liveness probes, ReadyPath that of the
	// readiness probe. MetricsPath serves metrics in Prometheus's format.
	HealthPath, ReadyPath, MetricsPath string
	// Domain is the app's host, for example "example.com". A tenant's host is its name
	// before this domain. Required.
	Domain string
	// Tenants are the tenants of the app; it may have none.
	Tenants []components.Tenant
	// TenantURLs are the tenants' connection strings by file name (tenants.Tenants.URLs).
	// Required when a tenant may log in to the database. Secret.
	TenantURLs pulumi.StringMapInput
	// Env are more environment variables of the container, by name.
	Env map[string]string
	// SecretEnv are more environment variables. Their values come from a Secret.
	SecretEnv map[string]string
	// Registry is the login for pulling the image; nil for a public image.
	Registry *Registry
	// Protect refuses to delete the Deployment, the Service, the route of Domain and the
	// credentials of the database.
	Protect bool
	// Pods is the number of replicas, at least 1, and the resources of each.
	Pods components.Pods
	// DatabaseRange (CIDR) and DatabasePort are the addresses and the TCP port of the
	// database. The network policy allows connections to them.
	DatabaseRange string
	DatabasePort  int
	// InternetEgress allows connections to any address on TCP port 443.
	InternetEgress bool
	// DatabaseURL is the connection string of the app's own role. Required, secret.
	// DatabaseCA has the certificate authorities (PEM) that the app trusts: that of the
	// database, and that of the pooler when tenants connect through it. Required.
	DatabaseURL, DatabaseCA pulumi.StringInput
	// IngressNamespace is the namespace of the ingress controller, in which the routes are
	// created (ingress.Ingress.Namespace). Required.
	IngressNamespace pulumi.StringInput
	// Quotas limits what the component's namespaces may request. Nil sets no limits.
	Quotas components.Quotas
}

// App is the component. It has no outputs.
type App struct {
	pulumi.ResourceState
}

// New declares the app. If args are invalid it returns all faults and registers nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*App, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("app %q: %w", name, err)
	}
	a := &App{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), a, opts...); err != nil {
		return nil, fmt.Errorf("app %q: register: %w", name, err)
	}
	namespace, err := kube.Namespace(ctx, workload.AppNamespace, kube.Restricted, args.Quotas, pulumi.Parent(a))
	if err != nil {
		return nil, fmt.Errorf("app %q: %w", name, err)
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(a), pulumi.DependsOn(namespace.Ready)}
	if err := args.register(ctx, inside); err != nil {
		return nil, fmt.Errorf("app %q: %w", name, err)
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{})
}

func (a Args) register(ctx *pulumi.Context, inside []pulumi.ResourceOption) error {
	policies, err := kube.RegisterPolicies(ctx, a.policies(), inside...)
	if err != nil {
		return err
	}
	account, err := kube.Account{Ref: workload.App}.Register(ctx, inside...)
	if err != nil {
		return err
	}
	serving := kube.Protected(inside, a.Protect)
	database, err := corev1.NewSecret(ctx, databaseSecret, a.secret(), serving...)
	if err != nil {
		return fmt.Errorf("database secret: %w", err)
	}
	tenants, err := a.registerTenants(ctx, serving)
	if err != nil {
		return err
	}
	// Not protected, so that an update can delete a Secret whose last variable or login was
	// removed.
	secrets, err := a.registerSecrets(ctx, inside)
	if err != nil {
		return err
	}
	if a.Pods.Replicas > 1 {
		if _, err := policyv1.NewPodDisruptionBudget(ctx, workload.App.Name, kube.KeepAllButOne(workload.App), inside...); err != nil {
			return fmt.Errorf("disruption budget: %w", err)
		}
	}
	after := kube.After(serving, slices.Concat(policies, account, tenants, secrets, []pulumi.Resource{database})...)
	if _, err := appsv1.NewDeployment(ctx, workload.App.Name, a.deployment(), after...); err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	if _, err := corev1.NewService(ctx, workload.App.Name, a.service(), serving...); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	if err := a.route(workload.App.Name, nil, a.Domain).Register(ctx, serving...); err != nil {
		return err
	}
	// Not protected, so that an update can delete the route of a tier with no tenant left.
	for _, route := range a.tenantRoutes() {
		if err := route.Register(ctx, inside...); err != nil {
			return err
		}
	}
	return nil
}

func (a Args) policies() []kube.Policy {
	to := []kube.Peer{
		{CIDR: a.DatabaseRange, Ports: []int{a.DatabasePort}},
		kube.PeerOf(workload.Pooler, workload.PoolerPort),
	}
	if a.InternetEgress {
		to = append(to, kube.HTTPS)
	}
	return []kube.Policy{
		{Namespace: workload.AppNamespace, Name: "allow-ingress", App: workload.App.Name, From: []kube.Peer{
			kube.PeerOf(workload.Traefik, a.Port), kube.PeerOf(workload.VictoriaMetrics, a.Port),
		}},
		{Namespace: workload.AppNamespace, Name: "allow-database", App: workload.App.Name, To: to},
	}
}

func (a Args) validate() error {
	errs := []error{settings.CheckTiers(settings.TenantsOf(a.Tenants))}
	if a.Image == "" {
		errs = append(errs, errors.New("image: is missing"))
	}
	if a.Port < 1024 || a.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not between 1024 and 65535", a.Port))
	}
	if a.Domain == "" {
		errs = append(errs, errors.New("domain: is missing"))
	}
	if a.Pods.Replicas < 1 {
		errs = append(errs, fmt.Errorf("pods: %d replicas; 1 or more are needed", a.Pods.Replicas))
	}
	if slices.ContainsFunc(settings.TenantsOf(a.Tenants), settings.Tenant.LogsIn) {
		errs = append(errs, kube.Required("tenantUrls", a.TenantURLs))
	}
	errs = append(errs, kube.Required("databaseUrl", a.DatabaseURL), kube.Required("databaseCa", a.DatabaseCA),
		kube.Required("ingressNamespace", a.IngressNamespace))
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{
		"image": pulumi.String(a.Image), "domain": pulumi.String(a.Domain), "replicas": pulumi.Int(a.Pods.Replicas),
	}
}
