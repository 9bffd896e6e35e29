// Package cluster declares the Kubernetes cluster on DigitalOcean: a VPC of its
// own and one pool of equal nodes.
package cluster

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/catalog"
)

const typeToken = "platform:cluster:Cluster"

// Args shape the cluster; all of them are plain, as they shape the bill.
type Args struct {
	// Region is DigitalOcean's; changing it replaces everything.
	Region string
	// Version is a Kubernetes minor such as "1.36"; its newest patch is taken.
	Version string
	// HA is the highly available control plane, $40 a month, for good.
	HA bool
	// NodeSize is a Droplet size. Changing it replaces the cluster: it is the size
	// of the default pool. NodeCount may change at any time.
	NodeSize  string
	NodeCount int
	// VPCRange, PodRange and ServiceRange are in CIDR notation and cannot change.
	VPCRange, PodRange, ServiceRange string
	// MaintenanceDay (lower case) and MaintenanceHour ("HH:MM", UTC).
	MaintenanceDay, MaintenanceHour string
	// Tags are on the cluster and its nodes.
	Tags []string
	// Protect refuses deletion. Without it the load balancers and volumes that
	// Kubernetes made go with the cluster; with it they stay, and bill on.
	Protect bool
}

// Cluster is what others need of it.
type Cluster struct {
	pulumi.ResourceState

	// ID is the cluster's UUID, VPC the network's.
	ID  pulumi.IDOutput     `pulumi:"clusterId"`
	VPC pulumi.StringOutput `pulumi:"vpcId"`
	// Kubeconfig asks doctl for a fresh credential at each use; it holds none.
	Kubeconfig pulumi.StringOutput `pulumi:"kubeconfig"`
}

// New declares the cluster; invalid args register nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Cluster, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("cluster %q: %w", name, err)
	}
	c := &Cluster{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), c, opts...); err != nil {
		return nil, fmt.Errorf("cluster %q: register: %w", name, err)
	}
	version, err := newestPatch(ctx, args.Version, pulumi.Parent(c))
	if err != nil {
		return nil, fmt.Errorf("cluster %q: version: %w", name, err)
	}
	vpc, err := digitalocean.NewVpc(ctx, name, &digitalocean.VpcArgs{
		Name: pulumi.String(name), Region: pulumi.String(args.Region), IpRange: pulumi.String(args.VPCRange),
	}, pulumi.Parent(c), pulumi.RetainOnDelete(args.Protect)) // a database that stays is in it
	if err != nil {
		return nil, fmt.Errorf("cluster %q: vpc: %w", name, err)
	}
	doks, err := digitalocean.NewKubernetesCluster(ctx, name, args.cluster(name, version, vpc),
		pulumi.Parent(c), pulumi.Protect(args.Protect))
	if err != nil {
		return nil, fmt.Errorf("cluster %q: cluster: %w", name, err)
	}
	c.ID, c.VPC = doks.ID(), vpc.ID().ToStringOutput()
	c.Kubeconfig = kubeconfig(name, doks)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"clusterId": c.ID, "vpcId": c.VPC, "kubeconfig": c.Kubeconfig,
	})
}

func (a Args) validate() error {
	var errs []error
	if _, err := catalog.NodeBySize(a.NodeSize); err != nil {
		errs = append(errs, fmt.Errorf("nodeSize: %w", err))
	}
	if a.NodeCount < 1 {
		errs = append(errs, fmt.Errorf("nodeCount: %d is less than 1", a.NodeCount))
	}
	for _, required := range []struct{ path, value string }{
		{"region", a.Region}, {"version", a.Version}, {"vpcRange", a.VPCRange}, {"podRange", a.PodRange},
		{"serviceRange", a.ServiceRange}, {"maintenanceDay", a.MaintenanceDay}, {"maintenanceHour", a.MaintenanceHour},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("%s: is missing", required.path))
		}
	}
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{
		"region": pulumi.String(a.Region), "version": pulumi.String(a.Version),
		"nodeSize": pulumi.String(a.NodeSize), "nodeCount": pulumi.Int(a.NodeCount), "ha": pulumi.Bool(a.HA),
	}
}

func (a Args) cluster(name, version string, vpc *digitalocean.Vpc) *digitalocean.KubernetesClusterArgs {
	return &digitalocean.KubernetesClusterArgs{
		Name:    pulumi.String(name),
		Region:  pulumi.String(a.Region),
		Version: pulumi.String(version),
		// Written out although false: left out it means true from 1.36 on, and $40.
		Ha:      pulumi.Bool(a.HA),
		VpcUuid: vpc.ID(),
		// Both subnets make the cluster VPC-native, which it cannot become later.
		ClusterSubnet: pulumi.String(a.PodRange),
		ServiceSubnet: pulumi.String(a.ServiceRange),
		AutoUpgrade:   pulumi.Bool(true),
		SurgeUpgrade:  pulumi.Bool(true),
		MaintenancePolicy: &digitalocean.KubernetesClusterMaintenancePolicyArgs{
			Day: pulumi.String(a.MaintenanceDay), StartTime: pulumi.String(a.MaintenanceHour),
		},
		DestroyAllAssociatedResources: pulumi.Bool(!a.Protect),
		Tags:                          pulumi.ToStringArray(a.Tags),
		NodePool: &digitalocean.KubernetesClusterNodePoolArgs{
			Name: pulumi.String("default"), Size: pulumi.String(a.NodeSize), NodeCount: pulumi.Int(a.NodeCount),
			Tags: pulumi.ToStringArray(a.Tags),
		},
	}
}
