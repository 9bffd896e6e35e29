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

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

const typeToken = "platform:pooler:Pooler"

// Args are what is declared, and how the database is reached.
type Args struct {
	Tenants []components.Tenant
	// Pods is how many replicas run, and what each gets. At most settings.Poolers (2) may
	// run at once, a rolling update included.
	Pods components.Pods
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
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Pooler, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("pooler %q: %w", name, err)
	}
	p := &Pooler{}
	inputs := pulumi.Map{"replicas": pulumi.Int(args.Pods.Replicas), "shared": pulumi.Int(args.Shared)}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, inputs, p, opts...); err != nil {
		return nil, fmt.Errorf("pooler %q: register: %w", name, err)
	}
	authority := args.Seed.ToStringOutput().ApplyT(func(seed string) (string, error) {
		return tenancy.PoolerCA(seed, hosts())
	}).(pulumi.StringOutput)
	p.CA = pulumi.Unsecret(authority).(pulumi.StringOutput)
	if err := args.register(ctx, p); err != nil {
		return nil, fmt.Errorf("pooler %q: %w", name, err)
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
	account, err := kube.Account{Ref: workload.Pooler}.Register(ctx, inside...)
	if err != nil {
		return err
	}
	serving := kube.Protected(inside, a.Protect)
	secret, err := corev1.NewSecret(ctx, workload.Pooler.Name, a.secret(), serving...)
	if err != nil {
		return fmt.Errorf("secret: %w", err)
	}
	if a.Pods.Replicas > 1 {
		budget := kube.KeepAllButOne(workload.Pooler)
		if _, err := policyv1.NewPodDisruptionBudget(ctx, workload.Pooler.Name, budget, inside...); err != nil {
			return fmt.Errorf("disruption budget: %w", err)
		}
	}
	after := kube.After(serving, append(append(before, account...), secret)...)
	if _, err := appsv1.NewDeployment(ctx, workload.Pooler.Name, a.deployment(), after...); err != nil {
		return fmt.Errorf("deployment: %w", err)
	}
	if _, err := corev1.NewService(ctx, workload.Pooler.Name, service(), serving...); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	return nil
}

// policies let the app and the scrape in and the pooler out to the database, and
// nothing else.
func (a Args) policies() []kube.Policy {
	return []kube.Policy{{
		Namespace: workload.PoolerNamespace, Name: "allow-pooler", App: workload.Pooler.Name,
		From: []kube.Peer{
			kube.PeerOf(workload.App, workload.PoolerPort), kube.PeerOf(workload.VictoriaMetrics, workload.PoolerMetricsPort),
		},
		To: []kube.Peer{{CIDR: a.DatabaseRange, Ports: []int{a.DatabasePort}}},
	}}
}

func (a Args) tenants() []settings.Tenant { return settings.TenantsOf(a.Tenants) }

func (a Args) validate() error {
	errs := []error{settings.CheckTiers(a.tenants())}
	if a.Pods.Replicas < 1 {
		errs = append(errs, errors.New("pods: has no replicas"))
	}
	if a.Pods.Replicas+a.Pods.Surge > settings.Poolers {
		errs = append(errs, fmt.Errorf("pods: runs %d at once, and the database's connections are counted for %d",
			a.Pods.Replicas+a.Pods.Surge, settings.Poolers))
	}
	if a.Shared < 1 {
		errs = append(errs, fmt.Errorf("shared: %d is not a number of connections", a.Shared))
	}
	errs = append(errs, kube.Required("admin", a.Admin), kube.Required("databaseCa", a.DatabaseCA),
		kube.Required("seed", a.Seed), kube.Required("verifiers", a.Verifiers))
	return errors.Join(errs...)
}
