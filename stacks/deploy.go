package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/components/certificates"
	"github.com/genericcorp/platform/components/cluster"
	"github.com/genericcorp/platform/components/dns"
	"github.com/genericcorp/platform/components/ingress"
	"github.com/genericcorp/platform/components/monitoring"
	"github.com/genericcorp/platform/components/postgres"
	"github.com/genericcorp/platform/components/tenants"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

const (
	blockStorage   = "do-block-storage"
	doPostgresPort = 25060
	anywhere       = "0.0.0.0/0"
)

// stack is one deployment in the making: what it is declared as, what it was
// planned to be, and what its parts give each other.
type stack struct {
	declared
	plan sizing.Plan
	name string
	tags []string

	kubernetes, cloudflare, random pulumi.ProviderResource
	database                       database
}

// database is where the app finds its data, wherever that is.
type database struct {
	url, ca pulumi.StringInput
	// admin connects as who may make roles and schemas; appRole is who the app is.
	admin   pulumi.StringInput
	appRole string
	// network and port are where its server may be reached.
	network string
	port    int
}

// deploy declares the stack's components from the ground up.
func deploy(ctx *pulumi.Context, d declared, plan sizing.Plan) error {
	s := &stack{
		declared: d, plan: plan, name: ctx.Project() + "-" + ctx.Stack(),
		tags: []string{ctx.Project(), ctx.Stack()},
	}
	for _, step := range []func(*pulumi.Context) error{s.ground, s.providers, s.services} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ground declares what everything stands on, or takes what is there: the cluster
// with its provider, and the database.
func (s *stack) ground(ctx *pulumi.Context) error {
	if s.Cluster.Kind == settings.Existing {
		s.database = s.externalDatabase()
		var err error
		s.kubernetes, err = kubernetesProvider(ctx, secretString(s.kubeconfig), s.Cluster.Context, pulumi.String(s.name))
		return err
	}
	provider, err := digitalOceanProvider(ctx, s.digitalOceanToken)
	if err != nil {
		return err
	}
	c, err := cluster.New(ctx, s.name, s.clusterArgs(), pulumi.Provider(provider))
	if err != nil {
		return err
	}
	if s.kubernetes, err = kubernetesProvider(ctx, c.Kubeconfig, "", c.ID.ToStringOutput()); err != nil {
		return err
	}
	return s.ownDatabase(ctx, provider, c)
}

func (s *stack) ownDatabase(ctx *pulumi.Context, provider pulumi.ProviderResource, c *cluster.Cluster) error {
	if s.Database.Kind == settings.External {
		s.database = s.externalDatabase()
		return nil
	}
	p, err := postgres.New(ctx, s.name, postgres.Args{
		Region: s.Region, Version: s.Database.Version, Size: s.plan.Database.Size, Nodes: s.plan.Database.Nodes,
		MaintenanceDay: s.Maintenance.Day, MaintenanceHour: s.Maintenance.Hour,
		Tags: s.tags, Protect: s.Protect, VPC: c.VPC, Cluster: c.ID.ToStringOutput(),
	}, pulumi.Provider(provider))
	if err != nil {
		return err
	}
	s.database = database{
		url: p.URL, ca: p.CA, admin: p.Admin, appRole: postgres.User, network: s.Network.VPC, port: doPostgresPort,
	}
	return nil
}

// externalDatabase may be anywhere: its address is in the connection string.
func (s *stack) externalDatabase() database {
	return database{
		url: secretString(s.databaseURL), ca: pulumi.String(s.databaseCA), network: anywhere, port: s.databasePort,
		admin: secretString(s.databaseAdminURL), appRole: s.databaseRole,
	}
}

func (s *stack) clusterArgs() cluster.Args {
	return cluster.Args{
		Region: s.Region, Version: s.Cluster.Version, HA: s.Cluster.HA,
		NodeSize: s.plan.Nodes.Size, NodeCount: s.plan.Nodes.Count,
		VPCRange: s.Network.VPC, PodRange: s.Network.Pods, ServiceRange: s.Network.Services,
		MaintenanceDay: s.Maintenance.Day, MaintenanceHour: s.Maintenance.Hour,
		Tags: s.tags, Protect: s.Protect,
	}
}

func (s *stack) providers(ctx *pulumi.Context) error {
	var err error
	if s.cloudflare, err = cloudflareProvider(ctx, s.cloudflareToken); err != nil {
		return err
	}
	s.random, err = randomProvider(ctx)
	return err
}

// services declares what runs in the cluster, and the names that lead to it.
func (s *stack) services(ctx *pulumi.Context) error {
	in, err := ingress.New(ctx, s.name, s.ingressArgs(), pulumi.Provider(s.kubernetes))
	if err != nil {
		return err
	}
	if _, err := dns.New(ctx, s.name, dns.Args{
		Zone: s.Zone, Domain: s.Domain, Proxied: s.DNS.Proxied, Address: in.Address,
	}, pulumi.Provider(s.cloudflare)); err != nil {
		return err
	}
	if _, err := certificates.New(ctx, s.name, certificates.Args{
		Domain: s.Domain, Email: s.Email, Issuer: s.Certificates.Issuer, Chart: s.Certificates.Chart,
		Workload: s.plan.Workload, CloudflareToken: secretString(s.cloudflareToken), Namespace: in.Namespace,
	}, pulumi.Provider(s.kubernetes)); err != nil {
		return err
	}
	m, err := monitoring.New(ctx, s.name, s.monitoringArgs(in), pulumi.Providers(s.kubernetes, s.random))
	if err != nil {
		return err
	}
	t, err := tenants.New(ctx, s.name, s.tenantsArgs(), pulumi.Providers(s.kubernetes, s.random))
	if err != nil {
		return err
	}
	// The app starts when its tenants are there.
	if _, err := app.New(ctx, s.name, s.appArgs(in, t), pulumi.Provider(s.kubernetes), pulumi.DependsOn([]pulumi.Resource{t})); err != nil {
		return err
	}
	export(ctx, s, m.Password)
	return nil
}

func (s *stack) ingressArgs() ingress.Args {
	args := ingress.Args{Workload: s.plan.Workload.Traefik, Address: s.Ingress.Address}
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
		Tenants: s.Tenants, AppRole: s.database.appRole, AppReplicas: s.plan.Workload.App.Replicas, Version: s.Database.Version,
		Workload: s.plan.Workload.Reconcile, Retain: s.Protect,
		DatabaseRange: s.database.network, DatabasePort: s.database.port, Admin: s.database.admin, CA: s.database.ca,
	}
	if s.Cluster.Kind == settings.DigitalOcean {
		args.StorageClass = blockStorage
	}
	return args
}

func (s *stack) appArgs(in *ingress.Ingress, t *tenants.Tenants) app.Args {
	return app.Args{
		Image: s.App.Image, Port: s.App.Port,
		HealthPath: s.App.HealthPath, ReadyPath: s.App.ReadyPath, MetricsPath: s.App.MetricsPath,
		Domain: s.Domain, Tenants: s.Tenants, TenantURLs: t.URLs,
		Env: s.App.Env, Workload: s.plan.Workload.App, InternetEgress: s.App.InternetEgress,
		DatabaseRange: s.database.network, DatabasePort: s.database.port,
		DatabaseURL: s.database.url, DatabaseCA: s.database.ca, IngressNamespace: in.Namespace,
	}
}

func grafanaHost(domain string) string { return fmt.Sprintf("grafana.%s", domain) }
