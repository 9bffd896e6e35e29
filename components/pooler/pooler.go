// Package pooler declares PgBouncer between the app and the database: tenants share
// the server's few connections, and an idle tenant holds none.
package pooler

import (
	"errors"
	"fmt"

	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	typeToken = "platform:pooler:Pooler"
	name      = "pooler"
)

// Args are what is declared, and how the database is reached.
type Args struct {
	// Tenants with their defaults filled.
	Tenants []settings.Tenant
	// Workload sizes it.
	Workload workload.Workload
	// Shared is how many server connections the tenants share in each replica.
	Shared int
	// DatabaseRange and DatabasePort are where the database may be.
	DatabaseRange string
	DatabasePort  int
	// Protect refuses to delete what serves users.
	Protect bool
	// Admin is the administrator's connection string. The pooler gets its address and
	// database, not its password. DatabaseCA checks who answers. Seed is what the
	// pooler's certificate is derived from; Verifiers let tenants in. All but DatabaseCA
	// are secret.
	Admin, DatabaseCA, Seed, Verifiers pulumi.StringInput
}

// Pooler is what the app gets of it.
type Pooler struct {
	pulumi.ResourceState

	// CA is the certificate authority of the pooler (PEM).
	CA pulumi.StringOutput `pulumi:"ca"`
}

// New declares the pooler; invalid args register nothing.
func New(ctx *pulumi.Context, component string, args Args, opts ...pulumi.ResourceOption) (*Pooler, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("pooler %q: %w", component, err)
	}
	p := &Pooler{}
	inputs := pulumi.Map{"replicas": pulumi.Int(args.Workload.Replicas), "shared": pulumi.Int(args.Shared)}
	if err := ctx.RegisterComponentResourceV2(typeToken, component, inputs, p, opts...); err != nil {
		return nil, fmt.Errorf("pooler %q: register: %w", component, err)
	}
	authority := args.Seed.ToStringOutput().ApplyT(func(seed string) (string, error) {
		return tenancy.PoolerCA(seed, hosts())
	}).(pulumi.StringOutput)
	p.CA = pulumi.Unsecret(authority).(pulumi.StringOutput)
	if err := args.register(ctx, p); err != nil {
		return nil, fmt.Errorf("pooler %q: %w", component, err)
	}
	return p, ctx.RegisterResourceOutputs(p, pulumi.Map{"ca": p.CA})
}

func hosts() []string { return []string{workload.PoolerHost} }

func (a Args) register(ctx *pulumi.Context, p *Pooler) error {
	ns, err := kube.Namespace(ctx, workload.PoolerNamespace, kube.Restricted, pulumi.Parent(p))
	if err != nil {
		return err
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(p), pulumi.DependsOn([]pulumi.Resource{ns})}
	before, err := kube.RegisterPolicies(ctx, a.policies(), inside...)
	if err != nil {
		return err
	}
	account, err := kube.Account{Namespace: workload.PoolerNamespace, Name: name}.Register(ctx, inside...)
	if err != nil {
		return err
	}
	serving := kube.Protected(inside, a.Protect)
	secret, err := corev1.NewSecret(ctx, name, a.secret(), serving...)
	if err != nil {
		return fmt.Errorf("secret: %w", err)
	}
	if a.Workload.Replicas > 1 {
		budget := kube.KeepAllButOne(name, workload.PoolerNamespace)
		if _, err := policyv1.NewPodDisruptionBudget(ctx, name, budget, inside...); err != nil {
			return fmt.Errorf("disruption budget: %w", err)
		}
	}
	after := kube.After(serving, append(append(before, account...), secret)...)
	if _, err := appsv1.NewDeployment(ctx, name, a.deployment(), after...); err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	if _, err := corev1.NewService(ctx, name, service(), serving...); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

// policies let the app and the scrape in and the pooler out to the database, and
// nothing else.
func (a Args) policies() []kube.Policy {
	return []kube.Policy{{
		Namespace: workload.PoolerNamespace, Name: "allow-pooler", App: name,
		From: []kube.Peer{
			{Namespace: workload.AppNamespace, App: "app", Ports: []int{workload.PoolerPort}},
			{Namespace: workload.MonitoringNamespace, App: "victoria-metrics", Ports: []int{workload.PoolerMetricsPort}},
		},
		To: []kube.Peer{{CIDR: a.DatabaseRange, Ports: []int{a.DatabasePort}}},
	}}
}

func (a Args) validate() error {
	errs := []error{settings.CheckTiers(a.Tenants)}
	if a.Workload.Replicas < 1 {
		errs = append(errs, errors.New("workload: has no replicas"))
	}
	if a.Workload.Replicas+a.Workload.Surge > settings.Poolers {
		errs = append(errs, fmt.Errorf("workload: runs %d at once, and the database's connections are counted for %d",
			a.Workload.Replicas+a.Workload.Surge, settings.Poolers))
	}
	if a.Shared < 1 {
		errs = append(errs, fmt.Errorf("shared: %d is not a number of connections", a.Shared))
	}
	for path, input := range map[string]pulumi.StringInput{"admin": a.Admin, "databaseCa": a.DatabaseCA, "seed": a.Seed, "verifiers": a.Verifiers} {
		if input == nil {
			errs = append(errs, fmt.Errorf("%s: is missing", path))
		}
	}
	return errors.Join(errs...)
}
