package app

import (
	"fmt"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

// tenantsName is the ConfigMap with the list of tenants, and the Secret with
// their connection strings. They are one of each however many tenants there are.
const (
	tenantsName = "tenants"
	listFile    = "tenants.json"
)

func (a Args) tenants() []settings.Tenant { return settings.TenantsOf(a.Tenants) }

func (a Args) registerTenants(ctx *pulumi.Context, inside []pulumi.ResourceOption) ([]pulumi.Resource, error) {
	list, err := tenancy.List(a.tenants(), a.Domain)
	if err != nil {
		return nil, fmt.Errorf("list of tenants: %w", err)
	}
	config, err := corev1.NewConfigMap(ctx, tenantsName, &corev1.ConfigMapArgs{
		Metadata: kube.Meta(workload.App, tenantsName), Data: pulumi.StringMap{listFile: pulumi.String(list)},
	}, inside...)
	if err != nil {
		return nil, fmt.Errorf("list of tenants: %w", err)
	}
	args := &corev1.SecretArgs{Metadata: kube.Meta(workload.App, tenantsName)}
	// An empty map would be a change at every preview: the API server does not store
	// one (seen with pulumi-kubernetes 4.33).
	if slices.ContainsFunc(a.tenants(), settings.Tenant.LogsIn) {
		args.StringData = pulumi.ToSecret(a.TenantURLs).(pulumi.StringMapOutput)
	}
	secret, err := corev1.NewSecret(ctx, tenantsName, args, inside...)
	if err != nil {
		return nil, fmt.Errorf("tenants' secret: %w", err)
	}
	return []pulumi.Resource{config, secret}, nil
}

// tenantsVolume shows both as one folder, whose files change in place.
func tenantsVolume() *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name: pulumi.String("tenants"),
		Projected: &corev1.ProjectedVolumeSourceArgs{Sources: corev1.VolumeProjectionArray{
			&corev1.VolumeProjectionArgs{ConfigMap: &corev1.ConfigMapProjectionArgs{Name: pulumi.String(tenantsName)}},
			&corev1.VolumeProjectionArgs{Secret: &corev1.SecretProjectionArgs{Name: pulumi.String(tenantsName)}},
		}},
	}
}

// route leads from hosts to the app.
func (a Args) route(route string, middlewares []string, hosts ...string) routes.Route {
	return routes.Route{
		Name: route, Hosts: hosts, Middlewares: middlewares, In: a.IngressNamespace,
		Namespace: workload.AppNamespace, Service: workload.App.Name, Port: servicePort,
	}
}

// tenantRoutes lead to the app: one route for the tenants of each tier, with that
// tier's rate limit, and one for those that get a 503. Each host is a rule, and so a
// router whose requests are counted apart.
func (a Args) tenantRoutes() []routes.Route {
	hosts := map[string][]string{}
	for _, t := range a.tenants() {
		switch t.State {
		case settings.Active:
			hosts[routes.TierLimit(t.Plan)] = append(hosts[routes.TierLimit(t.Plan)], t.Host(a.Domain))
		case settings.Suspended, settings.Archived:
			hosts[routes.Suspended] = append(hosts[routes.Suspended], t.Host(a.Domain))
		}
	}
	var out []routes.Route
	for _, tier := range settings.Tiers {
		middleware := routes.TierLimit(tier.Name)
		if of := hosts[middleware]; len(of) > 0 {
			out = append(out, a.route("tenants-"+tier.Name, []string{middleware}, slices.Sorted(slices.Values(of))...))
		}
	}
	if of := hosts[routes.Suspended]; len(of) > 0 {
		out = append(out, a.route("tenants-suspended", []string{routes.Suspended}, slices.Sorted(slices.Values(of))...))
	}
	return append(out, a.redirectRoutes()...)
}

// redirectRoutes answer on the old hosts of tenants that were renamed. Traefik
// redirects before anybody gets to the app.
func (a Args) redirectRoutes() []routes.Route {
	var out []routes.Route
	for _, t := range a.tenants() {
		if t.RedirectOldHost && t.State != settings.Purged {
			out = append(out, a.route("moved-to-"+t.Name, routes.Redirect(t.Name), t.OldHost(a.Domain)))
		}
	}
	return out
}
