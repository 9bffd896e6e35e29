// Package app declares the SaaS itself, by the contract in docs/app-contract.md.
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

// Args are the contract with the app.
type Args struct {
	// Image with an exact tag or digest; it speaks HTTP on Port.
	Image string
	Port  int
	// Paths of the probes and of the Prometheus metrics.
	HealthPath, ReadyPath, MetricsPath string
	// Domain is its own host; each tenant has one below it.
	Domain  string
	Tenants []components.Tenant
	// TenantURLs are the tenants' connection strings by file name. Required when a tenant
	// may log in. Secret.
	TenantURLs pulumi.StringMapInput
	// Env are further plain environment variables.
	Env map[string]string
	// SecretEnv are further environment variables, from a Secret.
	SecretEnv map[string]string
	// Registry is the login that the image is pulled with; nil for a public image.
	Registry *Registry
	// Protect refuses to delete what serves users: the app, its credentials, its route.
	Protect bool
	// Pods is how many replicas run, and what each gets.
	Pods components.Pods
	// DatabaseRange and DatabasePort are where its database may be.
	DatabaseRange string
	DatabasePort  int
	// InternetEgress lets it reach the Internet over HTTPS.
	InternetEgress bool
	// DatabaseURL connects to the database; secret. DatabaseCA checks who answers, the
	// database or the pooler: it may be several certificates (PEM).
	DatabaseURL, DatabaseCA pulumi.StringInput
	// IngressNamespace is where the route goes.
	IngressNamespace pulumi.StringInput
}

// App is the component.
type App struct {
	pulumi.ResourceState
}

// New declares the app; invalid args register nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*App, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("app %q: %w", name, err)
	}
	a := &App{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), a, opts...); err != nil {
		return nil, fmt.Errorf("app %q: register: %w", name, err)
	}
	ns, err := kube.Namespace(ctx, workload.AppNamespace, kube.Restricted, pulumi.Parent(a))
	if err != nil {
		return nil, fmt.Errorf("app %q: %w", name, err)
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(a), pulumi.DependsOn([]pulumi.Resource{ns})}
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
	// Not protected: a Secret goes with its last variable, or with the login.
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
	// Not protected: a plan's route goes with its last tenant.
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
	errs := []error{settings.CheckTiers(a.tenants())}
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
		errs = append(errs, errors.New("pods: has no replicas"))
	}
	if slices.ContainsFunc(a.tenants(), settings.Tenant.LogsIn) {
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
