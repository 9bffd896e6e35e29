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
	// Stack is the stack's name, for the commands in messages.
	Stack string
	// Region is DigitalOcean's; it cannot change.
	Region string
	// Version is a Kubernetes minor such as "1.36". A new cluster gets its newest
	// patch; a running one is upgraded only when this is newer than what it runs.
	Version string
	// LastVersion is the Version of the last update; empty when there was none.
	LastVersion string
	// Live is the cluster that runs already; nil before the first update.
	Live *Live
	// HA is the highly available control plane, $40 a month, for good.
	HA bool
	// NodeSize is a Droplet size. It has to be that of Live: `ops resize` changes it.
	// NodeCount may change at any time.
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

// Cluster holds the outputs that other components use.
type Cluster struct {
	pulumi.ResourceState

	// Resource is the cluster itself: what is inside it ends with it.
	Resource pulumi.Resource
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
	version, keep, err := args.version(ctx, pulumi.Parent(c))
	if err != nil {
		return nil, fmt.Errorf("cluster %q: version: %w", name, err)
	}
	vpc, err := args.network(ctx, name, c)
	if err != nil {
		return nil, fmt.Errorf("cluster %q: vpc: %w", name, err)
	}
	doks, err := digitalocean.NewKubernetesCluster(ctx, name, args.cluster(name, version, vpc),
		pulumi.Parent(c), pulumi.Protect(args.Protect), pulumi.IgnoreChanges(kept(keep)))
	if err != nil {
		return nil, fmt.Errorf("cluster %q: cluster: %w", name, err)
	}
	c.Resource, c.ID, c.VPC = doks, doks.ID(), vpc.ID().ToStringOutput()
	c.Kubeconfig = kubeconfig(name, doks)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"clusterId": c.ID, "vpcId": c.VPC, "kubeconfig": c.Kubeconfig,
	})
}

// network declares the VPC. A database that stays is in it, so it stays too.
// Members leave it some minutes after they are deleted, and the provider tries for
// two minutes only.
func (a Args) network(ctx *pulumi.Context, name string, parent pulumi.Resource) (*digitalocean.Vpc, error) {
	return digitalocean.NewVpc(ctx, name, &digitalocean.VpcArgs{
		Name: pulumi.String(name), Region: pulumi.String(a.Region), IpRange: pulumi.String(a.VPCRange),
	}, pulumi.Parent(parent), pulumi.RetainOnDelete(a.Protect), pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: "30m"}))
}

// kept are the inputs that stay as the state has them, so that no update replaces
// the cluster. Its pool's size is changed by `ops resize`; a refresh tells it.
func kept(version bool) []string {
	if version {
		return []string{"nodePool.size", "version"}
	}
	return []string{"nodePool.size"}
}

func (a Args) validate() error {
	errs := []error{a.Live.admits(a), a.admitsVersion()}
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
		// On by default from 1.36 on; its Pods are not in the sizing.
		CorednsAutoscaler:             &digitalocean.KubernetesClusterCorednsAutoscalerArgs{Enabled: pulumi.Bool(false)},
		DestroyAllAssociatedResources: pulumi.Bool(!a.Protect),
		Tags:                          pulumi.ToStringArray(a.Tags),
		NodePool: &digitalocean.KubernetesClusterNodePoolArgs{
			Name: pulumi.String("default"), Size: pulumi.String(a.NodeSize), NodeCount: pulumi.Int(a.NodeCount),
			Tags: pulumi.ToStringArray(a.Tags),
		},
	}
}
