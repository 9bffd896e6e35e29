// Package pooler declares PgBouncer between the app and the database. The tenants share the
// few connections of the database server, and a tenant without a transaction uses none.
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

// Args are the arguments of New.
type Args struct {
	// Tenants are the tenants that may connect; it may have none.
	Tenants []components.Tenant
	// Pods is the number of replicas, at least 1, and the resources of each. Replicas and
	// Surge together are at most settings.Poolers (2): the sizing counts the database
	// connections of that many.
	Pods components.Pods
	// Shared is the number of server connections that the tenants share in each replica, at
	// least 1.
	Shared int
	// DatabaseRange (CIDR) and DatabasePort are the addresses and the TCP port of the
	// database. The network policy allows connections to them.
	DatabaseRange string
	DatabasePort  int
	// Protect refuses to delete the Deployment, the Service and the Secret.
	Protect bool
	// Admin is the administrator's connection string. The pooler uses its host, port and
	// database, not its password. Required, secret.
	Admin pulumi.StringInput
	// DatabaseCA is the certificate authority (PEM) of the database server. Required.
	DatabaseCA pulumi.StringInput
	// Seed is the text from which the pooler's certificate is derived (tenants.Tenants.Seed).
	// Required, secret.
	Seed pulumi.StringInput
	// Verifiers check the tenants' passwords (tenants.Tenants.Verifiers). Required, secret.
	Verifiers pulumi.StringInput
	// Quotas limits what the component's namespaces may request. Nil sets no limits.
	Quotas components.Quotas
}

// Pooler holds the outputs that the app uses.
type Pooler struct {
	pulumi.ResourceState

	// CA is the certificate authority (PEM) that signed the pooler's certificate. Clients
	// must trust it.
	CA pulumi.StringOutput `pulumi:"ca"`
}

// New declares the pooler. If args are invalid it returns all faults and registers nothing.
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
	namespace, err := kube.Namespace(ctx, workload.PoolerNamespace, kube.Restricted, a.Quotas, pulumi.Parent(p))
	if err != nil {
		return err
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(p), pulumi.DependsOn(namespace.Ready)}
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

// policies returns the network policy. The app and the metrics store may connect to the
// pooler, and the pooler to the database.
func (a Args) policies() []kube.Policy {
	return []kube.Policy{{
		Namespace: workload.PoolerNamespace, Name: "allow-pooler", App: workload.Pooler.Name,
		From: []kube.Peer{
			kube.PeerOf(workload.App, workload.PoolerPort), kube.PeerOf(workload.VictoriaMetrics, workload.PoolerMetricsPort),
		},
		To: []kube.Peer{{CIDR: a.DatabaseRange, Ports: []int{a.DatabasePort}}},
	}}
}

func (a Args) validate() error {
	errs := []error{settings.CheckTiers(settings.TenantsOf(a.Tenants))}
	if a.Pods.Replicas < 1 {
		errs = append(errs, fmt.Errorf("pods: %d replicas; 1 or more are needed", a.Pods.Replicas))
	}
	if a.Pods.Replicas+a.Pods.Surge > settings.Poolers {
		errs = append(errs, fmt.Errorf("pods: %d run at once during an update; database connections are counted for at most %d",
			a.Pods.Replicas+a.Pods.Surge, settings.Poolers))
	}
	if a.Shared < 1 {
		errs = append(errs, fmt.Errorf("shared: %d is less than 1 connection", a.Shared))
	}
	errs = append(errs, kube.Required("admin", a.Admin), kube.Required("databaseCa", a.DatabaseCA),
		kube.Required("seed", a.Seed), kube.Required("verifiers", a.Verifiers))
	return errors.Join(errs...)
}
