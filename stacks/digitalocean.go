package stacks

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/admission"
	"github.com/genericcorp/platform/components/cluster"
	"github.com/genericcorp/platform/components/postgres"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// DigitalOcean is the one cloud, by design: prices, sizes and quotas are those of
// DigitalOcean. A stack on another cloud has cluster.kind: existing and database.kind:
// external. This file has everything in this package that is specific to DigitalOcean.

const doPostgresPort = 25060

// digitalOcean declares the cluster with its provider, and the database.
func (s *stack) digitalOcean(ctx *pulumi.Context) error {
	provider, err := digitalOceanProvider(ctx)
	if err != nil {
		return err
	}
	s.digitalocean = provider
	c, err := s.ownCluster(ctx, provider)
	if err != nil {
		return err
	}
	if s.kubernetes, err = kubernetesProvider(ctx, c.Kubeconfig, "", c.ID.ToStringOutput()); err != nil {
		return err
	}
	s.inside = []pulumi.ResourceOption{pulumi.Provider(s.kubernetes)}
	if !s.Protect {
		// The deletion of the cluster also deletes its objects, load balancers and volumes.
		// So a destroy does not need the API server, which may be broken.
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
	// If the cluster runs in another region, cluster.New returns the error.
	if args.Live == nil || args.Live.Region == s.Region {
		if err := cluster.CheckDefaultVPC(ctx, cluster.Network{Name: s.name, Region: s.Region}, pulumi.Provider(provider)); err != nil {
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

// ownDatabase declares the managed database. It depends on the cluster: until the cluster's ID
// is known, the database has no trusted source and is open to the Internet.
func (s *stack) ownDatabase(ctx *pulumi.Context, provider pulumi.ProviderResource, c *cluster.Cluster) error {
	if s.Database.Kind == settings.External {
		s.database = s.externalDatabase()
		return nil
	}
	p, err := postgres.New(ctx, s.name, postgres.Args{
		Region: s.Region, Version: s.Database.Version, Size: s.plan.Database.Size, Nodes: s.plan.Database.Nodes,
		MaintenanceDay: s.Maintenance.Day, MaintenanceHour: s.Maintenance.Hour,
		Tags: s.tags, Protect: s.Protect, AlertEmail: s.databaseAlertEmail(), VPC: c.VPC, Cluster: c.ID.ToStringOutput(), PodRange: s.Network.Pods,
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

// storageClass returns the class of a volume. retained says whether the disk is kept when its
// claim is deleted. On another cloud it returns "", the cluster's default class.
func (s *stack) storageClass(retained bool) string {
	switch {
	case s.Cluster.Kind != settings.DigitalOcean:
		return ""
	case retained:
		return catalog.RetainedStorageClass
	}
	return catalog.StorageClass
}

// loadBalancerRange returns the network of the load balancer, which sends the client's address
// with the PROXY protocol. On another cloud it returns "".
func (s *stack) loadBalancerRange() string {
	if s.Cluster.Kind == settings.DigitalOcean {
		return s.Network.VPC
	}
	return ""
}

// admissionArgs returns what the cluster may create that costs money: what is on the bill.
func (s *stack) admissionArgs() admission.Args {
	args := admission.Args{LoadBalancer: workload.Traefik.Namespace + "/" + workload.Traefik.Name, Classes: []string{catalog.StorageClass}}
	if s.Protect {
		args.Classes = append(args.Classes, catalog.RetainedStorageClass)
	}
	for _, line := range s.plan.Bill {
		if line.Item == budget.ItemLoadBalancer {
			args.Nodes = line.Quantity
		}
	}
	for namespace, quota := range s.quotas {
		if quota.Claims > 0 {
			args.Namespaces = append(args.Namespaces, namespace)
		}
	}
	slices.Sort(args.Namespaces)
	return args
}
