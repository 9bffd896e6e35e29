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

const (
	// tenantsName is the name of the ConfigMap with the list of tenants and of the Secret
	// with their connection strings. There is one of each for all tenants.
	tenantsName = "tenants"
	listFile    = "tenants.json"
)

func (a Args) registerTenants(ctx *pulumi.Context, inside []pulumi.ResourceOption) ([]pulumi.Resource, error) {
	list, err := tenancy.List(settings.TenantsOf(a.Tenants), a.Domain)
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
	// The API server does not store an empty map, so every preview would show one as a
	// change (seen with pulumi-kubernetes 4.33).
	if slices.ContainsFunc(settings.TenantsOf(a.Tenants), settings.Tenant.LogsIn) {
		args.StringData = pulumi.ToSecret(a.TenantURLs).(pulumi.StringMapOutput)
	}
	secret, err := corev1.NewSecret(ctx, tenantsName, args, inside...)
	if err != nil {
		return nil, fmt.Errorf("secret of the tenants: %w", err)
	}
	return []pulumi.Resource{config, secret}, nil
}

// tenantsFiles returns a volume with the list and the connection strings in one folder.
// The kubelet updates the files while the Pod runs.
func tenantsFiles() *corev1.VolumeArgs {
	return &corev1.VolumeArgs{
		Name: pulumi.String(tenantsVolume),
		Projected: &corev1.ProjectedVolumeSourceArgs{Sources: corev1.VolumeProjectionArray{
			&corev1.VolumeProjectionArgs{ConfigMap: &corev1.ConfigMapProjectionArgs{Name: pulumi.String(tenantsName)}},
			&corev1.VolumeProjectionArgs{Secret: &corev1.SecretProjectionArgs{Name: pulumi.String(tenantsName)}},
		}},
	}
}

// route returns a route from hosts to the app.
func (a Args) route(name string, middlewares []string, hosts ...string) routes.Route {
	return routes.Route{
		Name: name, Hosts: hosts, Middlewares: middlewares, In: a.IngressNamespace,
		Service: workload.App, Port: servicePort,
	}
}

// tenantRoutes returns one route for each tier that has active tenants, with the tier's
// rate limit, one for suspended and archived tenants, who get a 503, and those of
// redirectRoutes. Each host has a rule, so Traefik counts its requests separately.
func (a Args) tenantRoutes() []routes.Route {
	hosts := map[string][]string{}
	for _, t := range settings.TenantsOf(a.Tenants) {
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
		if tierHosts := hosts[middleware]; len(tierHosts) > 0 {
			out = append(out, a.route(routes.OfTier(tier.Name), []string{middleware}, slices.Sorted(slices.Values(tierHosts))...))
		}
	}
	if closed := hosts[routes.Suspended]; len(closed) > 0 {
		out = append(out, a.route("tenants-suspended", []string{routes.Suspended}, slices.Sorted(slices.Values(closed))...))
	}
	return append(out, a.redirectRoutes()...)
}

// redirectRoutes returns a route for the old host of each renamed tenant that wants one.
// Traefik answers these requests with a redirect, so they never reach the app.
func (a Args) redirectRoutes() []routes.Route {
	var out []routes.Route
	for _, t := range settings.TenantsOf(a.Tenants) {
		if t.RedirectOldHost && t.State != settings.Purged {
			out = append(out, a.route("moved-to-"+t.Name, routes.Redirect(t.Name), t.OldHost(a.Domain)))
		}
	}
	return out
}
