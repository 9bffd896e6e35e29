package stacks

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/admission"
	"github.com/genericcorp/platform/components/app"
	"github.com/genericcorp/platform/components/certificates"
	"github.com/genericcorp/platform/components/dns"
	"github.com/genericcorp/platform/components/ingress"
	"github.com/genericcorp/platform/components/monitoring"
	"github.com/genericcorp/platform/components/pooler"
	"github.com/genericcorp/platform/components/tenants"
	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// stack carries the configuration, the plan, and the outputs that components pass
// to each other.
type stack struct {
	config
	plan   sizing.Plan
	before history
	// tenantHistory is the history with which the next update compares its tenants.
	tenantHistory lifecycle.History
	name          string
	tags          []string
	// quotas are those of the plan's namespaces; nil on an existing cluster.
	quotas components.Quotas

	// digitalocean is nil if the cluster is an existing one.
	digitalocean, kubernetes, cloudflare, random pulumi.ProviderResource
	// inside has the options of all components that run in the cluster.
	inside   []pulumi.ResourceOption
	database database
	// components has all components in the order of their registration.
	components []pulumi.Resource
	registered *registered
}

// database is the PostgreSQL of the stack, managed or external.
type database struct {
	url, ca pulumi.StringInput
	// admin is the URL of a role that may create roles and schemas; appRole is the
	// app's role name.
	admin   pulumi.StringInput
	appRole string
	// network (CIDR) and port are the addresses and the TCP port of its server.
	network string
	port    int
}

// deploy declares the stack's components. Each comes after those whose outputs it uses.
func deploy(ctx *pulumi.Context, c config, plan sizing.Plan, before history, after lifecycle.History) error {
	s := &stack{
		config: c, plan: plan, before: before, tenantHistory: after, name: ctx.Project() + "-" + ctx.Stack(),
		tags: []string{ctx.Project(), ctx.Stack()}, quotas: plan.Quotas(),
	}
	var err error
	if s.registered, err = remember(ctx); err != nil {
		return err
	}
	for _, step := range []func(*pulumi.Context) error{s.ground, s.providers, s.enforce, s.services, s.guard} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ground declares the cluster with its provider, and the database. For existing ones it
// declares only the provider.
func (s *stack) ground(ctx *pulumi.Context) error {
	if s.Cluster.Kind == settings.DigitalOcean {
		return s.digitalOcean(ctx)
	}
	s.database = s.externalDatabase()
	var err error
	s.kubernetes, err = kubernetesProvider(ctx, secretString(s.kubeconfig), s.Cluster.Context, pulumi.String(s.name))
	s.inside = []pulumi.ResourceOption{pulumi.Provider(s.kubernetes)}
	return err
}

// externalDatabase returns the external database of the configuration. Its network is
// database.network of the settings.
func (s *stack) externalDatabase() database {
	return database{
		url: secretString(s.databaseURL), ca: pulumi.String(s.databaseCA), network: s.Database.Network, port: s.databasePort,
		admin: secretString(s.databaseAdminURL), appRole: s.databaseRole,
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

// enforce declares the policies with which the cluster itself keeps to the bill. Everything in
// the cluster is declared after them. On an existing cluster the bill has no volumes and load
// balancers, and there are no policies.
func (s *stack) enforce(ctx *pulumi.Context) error {
	if s.quotas == nil {
		return nil
	}
	p, err := admission.New(ctx, s.name, s.admissionArgs(), s.inside...)
	if err != nil {
		return err
	}
	s.components = append(s.components, p)
	s.inside = append(slices.Clone(s.inside), s.registered.after(p))
	return nil
}

// services declares the components that run in the cluster, and the DNS records.
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
	c, err := certificates.New(ctx, s.name, s.certificatesArgs(in), s.inside...)
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
	// It does not depend on the tenants' Job: the pooler must be updated even if the Job
	// fails.
	p, err := pooler.New(ctx, s.name, s.poolerArgs(t), s.inside...)
	if err != nil {
		return err
	}
	// The app starts when its tenants have their roles and schemas.
	a, err := app.New(ctx, s.name, s.appArgs(in, t, p), append(slices.Clone(s.inside), s.registered.after(t, p))...)
	if err != nil {
		return err
	}
	s.components = append(s.components, in, records, c, m, t, p, a)
	if err := s.uptimeChecks(ctx); err != nil {
		return err
	}
	// Last, because the engine starts nothing after a failure.
	confirmed, err := t.Confirm(ctx, s.name, append(slices.Clone(s.inside), s.registered.after(s.components...))...)
	if err != nil {
		return err
	}
	s.components = append(s.components, confirmed)
	return export(ctx, s, m.Password, confirmed.Applied)
}

func (s *stack) ingressArgs() ingress.Args {
	args := ingress.Args{
		Pods: s.plan.Workload.Traefik.Pods, Address: s.Ingress.Address, Protect: s.Protect,
		HSTSIncludeSubdomains: *s.Ingress.HSTSIncludeSubdomains, TrustedRange: s.loadBalancerRange(), Quotas: s.quotas,
	}
	for _, t := range s.Tenants {
		if t.RedirectOldHost {
			args.Redirects = append(args.Redirects, ingress.Redirect{Tenant: t.Name, OldHost: t.OldHost(s.Domain), NewHost: t.Host(s.Domain)})
		}
	}
	return args
}

func (s *stack) certificatesArgs(in *ingress.Ingress) certificates.Args {
	w := s.plan.Workload
	return certificates.Args{
		Domain: s.Domain, Email: s.Email, Issuer: s.Certificates.Issuer, Chart: s.Certificates.Chart, Protect: s.Protect,
		CertManager: w.CertManager.Pods, CAInjector: w.CAInjector.Pods, Webhook: w.Webhook.Pods,
		CloudflareToken: secretString(s.certManagerToken), Namespace: in.Namespace, Quotas: s.quotas,
	}
}

func (s *stack) monitoringArgs(in *ingress.Ingress) monitoring.Args {
	w := s.plan.Workload
	return monitoring.Args{
		Host: names.GrafanaHost(s.Domain), Domain: s.Domain, RetentionDays: s.Monitoring.RetentionDays,
		VictoriaMetrics: w.VictoriaMetrics.Pods, Grafana: w.Grafana.Pods, KubeStateMetrics: w.KubeStateMetrics.Pods, NodeExporter: w.NodeExporter.Pods,
		VMAlert: w.VMAlert.Pods, Alerts: s.alerts(), Costs: s.costs(), OAuth: s.oauth(),
		PlannedNodes: s.plan.Nodes.Count, StorageClass: s.storageClass(false), IngressNamespace: in.Namespace,
		Quotas: s.quotas,
	}
}

func (s *stack) tenantsArgs() tenants.Args {
	w := s.plan.Workload
	return tenants.Args{
		Tenants: settings.ForComponents(s.Tenants), AppRole: s.database.appRole, AppConnections: w.App.MostConnections(),
		Version: s.Database.Version, Pods: w.Reconcile.Pods, Scheduled: w.Scheduled.Pods, Usage: w.Usage.Pods, MetricsDays: s.Monitoring.RetentionDays,
		Retain: s.Protect, StorageClass: s.storageClass(s.Protect),
		DatabaseRange: s.database.network, DatabasePort: s.database.port, Admin: s.database.admin, CA: s.database.ca,
		Quotas: s.quotas,
	}
}

func (s *stack) poolerArgs(t *tenants.Tenants) pooler.Args {
	return pooler.Args{
		Tenants: settings.ForComponents(s.Tenants), Pods: s.plan.Workload.Pooler.Pods, Shared: s.plan.PoolerConnections, Protect: s.Protect,
		DatabaseRange: s.database.network, DatabasePort: s.database.port,
		Admin: s.database.admin, DatabaseCA: s.database.ca, Seed: t.Seed, Verifiers: t.Verifiers,
		Quotas: s.quotas,
	}
}

func (s *stack) appArgs(in *ingress.Ingress, t *tenants.Tenants, p *pooler.Pooler) app.Args {
	return app.Args{
		Image: s.App.Image, Port: s.App.Port,
		HealthPath: s.App.HealthPath, ReadyPath: s.App.ReadyPath, MetricsPath: s.App.MetricsPath,
		Domain: s.Domain, Tenants: settings.ForComponents(s.Tenants), TenantURLs: t.URLs,
		Env: s.appEnv(), SecretEnv: s.appSecrets.Env, Registry: (*app.Registry)(s.appSecrets.Registry), Protect: s.Protect, Pods: s.plan.Workload.App.Pods, InternetEgress: s.App.InternetEgress,
		DatabaseRange: s.database.network, DatabasePort: s.database.port,
		DatabaseURL: s.database.url, DatabaseCA: pulumi.Sprintf("%s\n%s", s.database.ca, p.CA), IngressNamespace: in.Namespace,
		Quotas: s.quotas,
	}
}
