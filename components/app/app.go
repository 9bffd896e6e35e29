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

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	typeToken      = "platform:app:App"
	name           = "app"
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
	Tenants []settings.Tenant
	// TenantURLs are the tenants' connection strings by file name. Secret.
	TenantURLs pulumi.StringMapInput
	// Env are further plain environment variables.
	Env map[string]string
	// SecretEnv are further environment variables, from a Secret.
	SecretEnv map[string]string
	// Registry is the login that the image is pulled with; nil for a public image.
	Registry *settings.Registry
	// Protect refuses to delete what serves users: the app, its credentials, its route.
	Protect bool
	// Workload sizes it.
	Workload workload.Workload
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
func New(ctx *pulumi.Context, component string, args Args, opts ...pulumi.ResourceOption) (*App, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("app %q: %w", component, err)
	}
	a := &App{}
	if err := ctx.RegisterComponentResourceV2(typeToken, component, args.inputs(), a, opts...); err != nil {
		return nil, fmt.Errorf("app %q: register: %w", component, err)
	}
	ns, err := kube.Namespace(ctx, workload.AppNamespace, kube.Restricted, pulumi.Parent(a))
	if err != nil {
		return nil, fmt.Errorf("app %q: %w", component, err)
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(a), pulumi.DependsOn([]pulumi.Resource{ns})}
	if err := args.register(ctx, inside); err != nil {
		return nil, fmt.Errorf("app %q: %w", component, err)
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{})
}

func (a Args) register(ctx *pulumi.Context, inside []pulumi.ResourceOption) error {
	policies, err := kube.RegisterPolicies(ctx, a.policies(), inside...)
	if err != nil {
		return err
	}
	account, err := kube.Account{Namespace: workload.AppNamespace, Name: name}.Register(ctx, inside...)
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
	if a.Workload.Replicas > 1 {
		if _, err := policyv1.NewPodDisruptionBudget(ctx, name, kube.KeepAllButOne(name, workload.AppNamespace), inside...); err != nil {
			return fmt.Errorf("disruption budget: %w", err)
		}
	}
	after := kube.After(serving, slices.Concat(policies, account, tenants, secrets, []pulumi.Resource{database})...)
	if _, err := appsv1.NewDeployment(ctx, name, a.deployment(), after...); err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	if _, err := corev1.NewService(ctx, name, a.service(), serving...); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	if err := a.route(name, nil, a.Domain).Register(ctx, serving...); err != nil {
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
		{Namespace: workload.PoolerNamespace, App: "pooler", Ports: []int{workload.PoolerPort}},
	}
	if a.InternetEgress {
		to = append(to, kube.HTTPS)
	}
	return []kube.Policy{
		{Namespace: workload.AppNamespace, Name: "allow-ingress", App: name, From: []kube.Peer{
			{Namespace: workload.IngressNamespace, App: "traefik", Ports: []int{a.Port}},
			{Namespace: workload.MonitoringNamespace, App: "victoria-metrics", Ports: []int{a.Port}},
		}},
		{Namespace: workload.AppNamespace, Name: "allow-database", App: name, To: to},
	}
}

func (a Args) validate() error {
	var errs []error
	if a.Image == "" {
		errs = append(errs, errors.New("image: is missing"))
	}
	if a.Port < 1024 || a.Port > 65535 {
		errs = append(errs, fmt.Errorf("port: %d is not between 1024 and 65535", a.Port))
	}
	if a.Domain == "" {
		errs = append(errs, errors.New("domain: is missing"))
	}
	if a.TenantURLs == nil {
		errs = append(errs, errors.New("tenantUrls: are missing"))
	}
	if a.Workload.Replicas < 1 {
		errs = append(errs, errors.New("workload: has no replicas"))
	}
	for _, required := range []struct {
		path  string
		input pulumi.StringInput
	}{{"databaseUrl", a.DatabaseURL}, {"databaseCa", a.DatabaseCA}, {"ingressNamespace", a.IngressNamespace}} {
		if required.input == nil {
			errs = append(errs, fmt.Errorf("%s: is missing", required.path))
		}
	}
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{
		"image": pulumi.String(a.Image), "domain": pulumi.String(a.Domain), "replicas": pulumi.Int(a.Workload.Replicas),
	}
}
