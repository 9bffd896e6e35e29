// Package cluster declares a Kubernetes cluster on DigitalOcean (DOKS): a VPC and a cluster
// with one pool of equal nodes in it.
package cluster

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/catalog"
)

const typeToken = "platform:cluster:Cluster"

// Args are the arguments of New. They are plain values, because the bill depends on them
// and must be known before anything is registered.
type Args struct {
	// Stack is the stack's name. Error messages use it in the commands that they suggest.
	Stack string
	// Region is a region of DigitalOcean, such as "fra1". It cannot change later.
	Region string
	// Version is a Kubernetes minor such as "1.36". A new cluster gets the newest patch of
	// it. A running cluster is upgraded only if this minor is newer than its own.
	Version string
	// LastVersion is the Version of the last update; empty before the first update.
	LastVersion string
	// Live is the running cluster, from Lookup; nil if there is none.
	Live *Live
	// HA asks for the control plane with high availability. It costs extra and
	// cannot be turned off later. Default: false.
	HA bool
	// NodeSize is a Droplet size of internal/catalog. It must be that of Live, because a
	// change would replace the cluster: `ops resize` changes it.
	NodeSize string
	// NodeCount is the number of nodes, at least 1. It may change at any time.
	NodeCount int
	// VPCRange, PodRange and ServiceRange are in CIDR notation. They cannot change later.
	VPCRange, PodRange, ServiceRange string
	// MaintenanceDay is a weekday in lower case. MaintenanceHour is "HH:MM" in UTC.
	MaintenanceDay, MaintenanceHour string
	// Tags are set on the cluster and on its nodes.
	Tags []string
	// Protect refuses deletion of the cluster. Without it, a deletion also removes the load
	// balancers and volumes that Kubernetes made. With it they stay, and DigitalOcean goes
	// on billing them.
	Protect bool
}

// Cluster holds the outputs that other components use.
type Cluster struct {
	pulumi.ResourceState

	// Resource is the DigitalOcean cluster, for pulumi.DeletedWith of the objects in it.
	Resource pulumi.Resource
	// ID is the cluster's UUID.
	ID pulumi.IDOutput `pulumi:"clusterId"`
	// VPC is the network's UUID.
	VPC pulumi.StringOutput `pulumi:"vpcId"`
	// Kubeconfig has no credential. Its user runs doctl, which must be installed, for a new
	// credential.
	Kubeconfig pulumi.StringOutput `pulumi:"kubeconfig"`
}

// New declares the cluster. If args are invalid it returns all faults and registers nothing.
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
		pulumi.Parent(c), pulumi.Protect(args.Protect), pulumi.IgnoreChanges(ignored(keep)))
	if err != nil {
		return nil, fmt.Errorf("cluster %q: cluster: %w", name, err)
	}
	c.Resource, c.ID, c.VPC = doks, doks.ID(), vpc.ID().ToStringOutput()
	c.Kubeconfig = kubeconfig(name, doks)
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{
		"clusterId": c.ID, "vpcId": c.VPC, "kubeconfig": c.Kubeconfig,
	})
}

// network declares the VPC. A protected stack keeps it, because its database stays in it.
// Deleted members leave a VPC some minutes later, and by default the provider tries to
// delete it for two minutes only.
func (a Args) network(ctx *pulumi.Context, name string, parent pulumi.Resource) (*digitalocean.Vpc, error) {
	return digitalocean.NewVpc(ctx, name, &digitalocean.VpcArgs{
		Name: pulumi.String(name), Region: pulumi.String(a.Region), IpRange: pulumi.String(a.VPCRange),
	}, pulumi.Parent(parent), pulumi.RetainOnDelete(a.Protect), pulumi.Timeouts(&pulumi.CustomTimeouts{Delete: "30m"}))
}

// ignored returns the inputs that keep the value of the state, because a change would
// replace the cluster. `ops resize` changes the pool's size, and a refresh updates the state.
func ignored(keepVersion bool) []string {
	if keepVersion {
		return []string{"nodePool.size", "version"}
	}
	return []string{"nodePool.size"}
}

func (a Args) validate() error {
	errs := []error{a.Live.check(a), a.checkVersion()}
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
		// Explicit even if false: from Kubernetes 1.36 on the default is true, and it costs extra.
		Ha:      pulumi.Bool(a.HA),
		VpcUuid: vpc.ID(),
		// The two subnets make the cluster VPC-native. A cluster cannot become that later.
		ClusterSubnet: pulumi.String(a.PodRange),
		ServiceSubnet: pulumi.String(a.ServiceRange),
		AutoUpgrade:   pulumi.Bool(true),
		SurgeUpgrade:  pulumi.Bool(true),
		MaintenancePolicy: &digitalocean.KubernetesClusterMaintenancePolicyArgs{
			Day: pulumi.String(a.MaintenanceDay), StartTime: pulumi.String(a.MaintenanceHour),
		},
		// On by default from 1.36 on. The sizing does not count its Pods.
		CorednsAutoscaler:             &digitalocean.KubernetesClusterCorednsAutoscalerArgs{Enabled: pulumi.Bool(false)},
		DestroyAllAssociatedResources: pulumi.Bool(!a.Protect),
		Tags:                          pulumi.ToStringArray(a.Tags),
		NodePool: &digitalocean.KubernetesClusterNodePoolArgs{
			Name: pulumi.String("default"), Size: pulumi.String(a.NodeSize), NodeCount: pulumi.Int(a.NodeCount),
			Tags: pulumi.ToStringArray(a.Tags),
		},
	}
}
