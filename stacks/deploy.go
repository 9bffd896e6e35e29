package stacks

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/components/certificates"
	"github.com/genericcorp/platform/components/cluster"
	"github.com/genericcorp/platform/components/dns"
	"github.com/genericcorp/platform/components/ingress"
	"github.com/genericcorp/platform/components/monitoring"
	"github.com/genericcorp/platform/components/pooler"
	"github.com/genericcorp/platform/components/postgres"
	"github.com/genericcorp/platform/components/tenants"
	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

const (
	// blockStorage deletes a disk with its claim, retainedStorage keeps it
	// (csi-digitalocean#646).
	blockStorage    = "do-block-storage"
	retainedStorage = "do-block-storage-retain"

	doPostgresPort = 25060
)

// stack carries the configuration, the plan, and the outputs that components pass
// to each other.
type stack struct {
	declared
	plan   sizing.Plan
	before history
	// tenantHistory is what the next update compares its tenants with.
	tenantHistory lifecycle.History
	name          string
	tags          []string

	kubernetes, cloudflare, random pulumi.ProviderResource
	// inside are the options of everything that runs in the cluster.
	inside   []pulumi.ResourceOption
	database database
	// components are all of them, in the order of their registration.
	components []pulumi.Resource
	registered *registered
}

// database is how the app reaches its PostgreSQL, managed or external.
type database struct {
	url, ca pulumi.StringInput
	// admin is the URL of a role that may create roles and schemas; appRole is the
	// app's role name.
	admin   pulumi.StringInput
	appRole string
	// network (CIDR) and port are where its server listens.
	network string
	port    int
}

// deploy declares the stack's components, each after those that it needs.
func deploy(ctx *pulumi.Context, d declared, plan sizing.Plan, before history, after lifecycle.History) error {
	s := &stack{
		declared: d, plan: plan, before: before, tenantHistory: after, name: ctx.Project() + "-" + ctx.Stack(),
		tags: []string{ctx.Project(), ctx.Stack()},
	}
	var err error
	if s.registered, err = remember(ctx); err != nil {
		return err
	}
	for _, step := range []func(*pulumi.Context) error{s.ground, s.providers, s.services, s.guard} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ground declares the cluster with its provider, and the database; or connects to
// those that exist.
func (s *stack) ground(ctx *pulumi.Context) error {
	if s.Cluster.Kind == settings.Existing {
		s.database = s.externalDatabase()
		var err error
		s.kubernetes, err = kubernetesProvider(ctx, secretString(s.kubeconfig), s.Cluster.Context, pulumi.String(s.name))
		s.inside = []pulumi.ResourceOption{pulumi.Provider(s.kubernetes)}
		return err
	}
	provider, err := digitalOceanProvider(ctx)
	if err != nil {
		return err
	}
	c, err := s.ownCluster(ctx, provider)
	if err != nil {
		return err
	}
	if s.kubernetes, err = kubernetesProvider(ctx, c.Kubeconfig, "", c.ID.ToStringOutput()); err != nil {
		return err
	}
	s.inside = []pulumi.ResourceOption{pulumi.Provider(s.kubernetes)}
	if !s.Protect {
		// The cluster takes its objects, load balancers and volumes with it: a destroy
		// need not talk to an API server that may be broken.
		s.inside = append(s.inside, pulumi.DeletedWith(c.Resource))
	}
	return s.ownDatabase(ctx, provider, c)
}

func (s *stack) ownCluster(ctx *pulumi.Context, provider pulumi.ProviderResource) (*cluster.Cluster, error) {
	args := s.clusterArgs(ctx.Stack())
	var err error
	if args.Live, err = cluster.Lookup(ctx, s.name, pulumi.Provider(provider)); err != nil {
		return nil, err
	}
	if err := args.Live.WarnOfOtherPools(ctx); err != nil {
		return nil, err
	}
	// A cluster that runs elsewhere cannot move: cluster.New says so.
	if args.Live == nil || args.Live.Region == s.Region {
		if err := cluster.CheckDefaultVPC(ctx, s.name, s.Region, pulumi.Provider(provider)); err != nil {
			return nil, err
		}
	}
	c, err := cluster.New(ctx, s.name, args, pulumi.Provider(provider))
	if err != nil {
		return nil, err
	}
	s.components = append(s.components, c)
	return c, nil
}

// ownDatabase comes after the cluster: until its ID is known the database has no
// trusted source, and without one it is open to the Internet.
func (s *stack) ownDatabase(ctx *pulumi.Context, provider pulumi.ProviderResource, c *cluster.Cluster) error {
	if s.Database.Kind == settings.External {
		s.database = s.externalDatabase()
		return nil
	}
	p, err := postgres.New(ctx, s.name, postgres.Args{
		Region: s.Region, Version: s.Database.Version, Size: s.plan.Database.Size, Nodes: s.plan.Database.Nodes,
		MaintenanceDay: s.Maintenance.Day, MaintenanceHour: s.Maintenance.Hour,
		Tags: s.tags, Protect: s.Protect, VPC: c.VPC, Cluster: c.ID.ToStringOutput(), PodRange: s.Network.Pods,
	}, pulumi.Provider(provider), s.registered.after(c))
	if err != nil {
		return err
	}
	s.components = append(s.components, p)
	s.database = database{
		url: p.URL, ca: p.CA, admin: p.Admin, appRole: postgres.User, network: s.Network.VPC, port: doPostgresPort,
	}
	return nil
}

// externalDatabase has its address in the connection string. The settings may narrow
// down where that is.
func (s *stack) externalDatabase() database {
	return database{
		url: secretString(s.databaseURL), ca: pulumi.String(s.databaseCA), network: s.Database.Network, port: s.databasePort,
		admin: secretString(s.databaseAdminURL), appRole: s.databaseRole,
	}
}

func (s *stack) clusterArgs(stack string) cluster.Args {
	return cluster.Args{
		Stack: stack, Region: s.Region, HA: s.Cluster.HA,
		Version: s.Cluster.Version, LastVersion: s.before.kubernetesVersion,
		NodeSize: s.plan.Nodes.Size, NodeCount: s.plan.Nodes.Count,
		VPCRange: s.Network.VPC, PodRange: s.Network.Pods, ServiceRange: s.Network.Services,
		MaintenanceDay: s.Maintenance.Day, MaintenanceHour: s.Maintenance.Hour,
		Tags: s.tags, Protect: s.Protect,
	}
}

func (s *stack) providers(ctx *pulumi.Context) error {
	var err error
	if s.cloudflare, err = cloudflareProvider(ctx); err != nil {
		return err
	}
	s.random, err = randomProvider(ctx)
	return err
}

// services declares what runs in the cluster, and the names that lead to it.
func (s *stack) services(ctx *pulumi.Context) error {
	in, err := ingress.New(ctx, s.name, s.ingressArgs(), s.inside...)
	if err != nil {
		return err
	}
	records, err := dns.New(ctx, s.name, dns.Args{
		Zone: s.Zone, Domain: s.Domain, Proxied: s.DNS.Proxied, Address: in.Address, Protect: s.Protect,
	}, pulumi.Provider(s.cloudflare))
	if err != nil {
		return err
	}
	c, err := certificates.New(ctx, s.name, certificates.Args{
		Domain: s.Domain, Email: s.Email, Issuer: s.Certificates.Issuer, Chart: s.Certificates.Chart, Protect: s.Protect,
		Workload: s.plan.Workload, CloudflareToken: secretString(s.certManagerToken), Namespace: in.Namespace,
	}, s.inside...)
	if err != nil {
		return err
	}
	withRandom := append(slices.Clone(s.inside), pulumi.Providers(s.kubernetes, s.random))
	m, err := monitoring.New(ctx, s.name, s.monitoringArgs(in), withRandom...)
	if err != nil {
		return err
	}
	t, err := tenants.New(ctx, s.name, s.tenantsArgs(), withRandom...)
	if err != nil {
		return err
	}
	// Not after the tenants' Job: a run that fails must not keep the pooler from
	// following the others.
	p, err := pooler.New(ctx, s.name, s.poolerArgs(t), s.inside...)
	if err != nil {
		return err
	}
	// The app starts when its tenants are there.
	a, err := app.New(ctx, s.name, s.appArgs(in, t, p), append(slices.Clone(s.inside), s.registered.after(t, p))...)
	if err != nil {
		return err
	}
	s.components = append(s.components, in, records, c, m, t, p, a)
	// The engine starts nothing after a failure, so this comes when all others are done.
	confirmed, err := t.Confirm(ctx, s.name, append(slices.Clone(s.inside), s.registered.after(s.components...))...)
	if err != nil {
		return err
	}
	s.components = append(s.components, confirmed)
	return export(ctx, s, m.Password, confirmed.Applied)
}

func (s *stack) ingressArgs() ingress.Args {
	args := ingress.Args{
		Workload: s.plan.Workload.Traefik, Address: s.Ingress.Address, Protect: s.Protect,
		HSTSIncludeSubdomains: *s.Ingress.HSTSIncludeSubdomains,
	}
	for _, t := range s.Tenants {
		if t.RedirectOldHost {
			args.Redirects = append(args.Redirects, ingress.Redirect{Tenant: t.Name, OldHost: t.OldHost(s.Domain), NewHost: t.Host(s.Domain)})
		}
	}
	if s.Cluster.Kind == settings.DigitalOcean {
		args.TrustedRange = s.Network.VPC
	}
	return args
}

func (s *stack) monitoringArgs(in *ingress.Ingress) monitoring.Args {
	args := monitoring.Args{
		Host: grafanaHost(s.Domain), Workload: s.plan.Workload, RetentionDays: s.Monitoring.RetentionDays,
		PlannedNodes: s.plan.Nodes.Count, IngressNamespace: in.Namespace,
	}
	if s.Cluster.Kind == settings.DigitalOcean {
		args.StorageClass = blockStorage
	}
	return args
}

func (s *stack) tenantsArgs() tenants.Args {
	args := tenants.Args{
		Tenants: s.Tenants, AppRole: s.database.appRole, AppConnections: s.plan.Workload.App.MostConnections(), Version: s.Database.Version,
		Workload: s.plan.Workload.Reconcile, Scheduled: s.plan.Workload.Scheduled, Retain: s.Protect,
		DatabaseRange: s.database.network, DatabasePort: s.database.port, Admin: s.database.admin, CA: s.database.ca,
	}
	if s.Cluster.Kind == settings.DigitalOcean {
		args.StorageClass = blockStorage
		if s.Protect {
			args.StorageClass = retainedStorage
		}
	}
	return args
}

func (s *stack) poolerArgs(t *tenants.Tenants) pooler.Args {
	return pooler.Args{
		Tenants: s.Tenants, Workload: s.plan.Workload.Pooler, Shared: s.plan.PoolerConnections, Protect: s.Protect,
		DatabaseRange: s.database.network, DatabasePort: s.database.port,
		Admin: s.database.admin, DatabaseCA: s.database.ca, Seed: t.Seed, Verifiers: t.Verifiers,
	}
}

func (s *stack) appArgs(in *ingress.Ingress, t *tenants.Tenants, p *pooler.Pooler) app.Args {
	return app.Args{
		Image: s.App.Image, Port: s.App.Port,
		HealthPath: s.App.HealthPath, ReadyPath: s.App.ReadyPath, MetricsPath: s.App.MetricsPath,
		Domain: s.Domain, Tenants: s.Tenants, TenantURLs: t.URLs,
		Env: s.App.Env, SecretEnv: s.appSecrets.Env, Registry: s.appSecrets.Registry, Protect: s.Protect, Workload: s.plan.Workload.App, InternetEgress: s.App.InternetEgress,
		DatabaseRange: s.database.network, DatabasePort: s.database.port,
		DatabaseURL: s.database.url, DatabaseCA: pulumi.Sprintf("%s\n%s", s.database.ca, p.CA), IngressNamespace: in.Namespace,
	}
}

func grafanaHost(domain string) string { return fmt.Sprintf("grafana.%s", domain) }
