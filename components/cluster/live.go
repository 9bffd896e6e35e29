package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// Live is the running cluster with the stack's name, as DigitalOcean's API reports it.
// Pulumi's state may be older: DigitalOcean upgrades clusters, and `ops resize` replaces
// node pools, without Pulumi.
type Live struct {
	// Region is a region such as "fra1".
	Region string
	// Version is a version of DigitalOcean, such as "1.36.1-do.0".
	Version string
	// HA says whether the control plane has high availability.
	HA bool
	// NodeSize is the Droplet size of the default pool.
	NodeSize string
	// OtherPools are all pools but the default one.
	OtherPools []Pool
	// VPCRange, PodRange and ServiceRange are in CIDR notation. VPCRange is empty if the
	// cluster is in a network with another name.
	VPCRange, PodRange, ServiceRange string
}

// Pool is a node pool that the stack does not declare.
type Pool struct {
	// Name is the pool's name, Size the Droplet size of its nodes.
	Name, Size string
	// Count is the number of nodes.
	Count int
}

// defaultPoolTag is the tag of the pool that the provider treats as the default one (seen
// with pulumi-digitalocean 4.76).
const defaultPoolTag = "terraform:default-node-pool"

// Parts of the provider's error messages when something does not exist
// (terraform-provider-digitalocean 2.96, datasource_kubernetes_cluster.go and
// datasource_vpc.go). The provider has no data source without such an error.
const (
	noClusters = "No clusters found"
	noCluster  = "Unable to find cluster with name"
	noVPC      = "no VPCs found with name"
	noDefault  = "unable to find default VPC"
)

// Lookup returns the running cluster with the name, or nil if there is none. It takes
// VPCRange from the VPC with the same name.
func Lookup(ctx *pulumi.Context, name string, opts ...pulumi.InvokeOption) (*Live, error) {
	found, err := digitalocean.LookupKubernetesCluster(ctx, &digitalocean.LookupKubernetesClusterArgs{Name: name}, opts...)
	if hasText(err, noCluster) || hasText(err, noClusters) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the running cluster: %w", err)
	}
	live := &Live{
		Region: found.Region, Version: found.Version, HA: found.Ha,
		PodRange: found.ClusterSubnet, ServiceRange: found.ServiceSubnet,
	}
	live.NodeSize, live.OtherPools = pools(found.NodePools)
	network, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Name: &name}, opts...)
	if hasText(err, noVPC) {
		return live, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up the cluster's network: %w", err)
	}
	live.VPCRange = network.IpRange
	return live, nil
}

func hasText(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

// pools returns the size of the default pool, and all other pools. If two pools have the
// tag, the last one is the default (resource_kubernetes_cluster.go of
// terraform-provider-digitalocean).
func pools(all []digitalocean.GetKubernetesClusterNodePool) (size string, others []Pool) {
	at := 0
	for i, pool := range all {
		if slices.Contains(pool.Tags, defaultPoolTag) {
			at = i
		}
	}
	for i, pool := range all {
		if i == at {
			size = pool.Size
			continue
		}
		others = append(others, Pool{pool.Name, pool.Size, pool.NodeCount})
	}
	return size, others
}

// WarnOfOtherPools logs a warning for each pool of OtherPools, with its price a month. Such
// a pool costs money and is not on the bill. An interrupted resize leaves one.
func (l *Live) WarnOfOtherPools(ctx *pulumi.Context) error {
	if l == nil {
		return nil
	}
	for _, pool := range l.OtherPools {
		price := "an unknown price"
		if node, err := catalog.NodeBySize(pool.Size); err == nil {
			price = (node.Unit * budget.Cents(pool.Count)).String() + " a month"
		}
		if err := ctx.Log.Warn(fmt.Sprintf("the cluster has another node pool, %s: %d × %s for %s. It is not on the bill. "+
			"An interrupted resize leaves one. To complete it, run: go run ./cmd/ops resize -stack %s", pool.Name, pool.Count, pool.Size, price, ctx.Stack()), nil); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error for each argument that the running cluster cannot change to. The
// provider would replace the cluster: the engine deletes a cluster with a fixed name before
// it creates its successor, and stops after the deletion (pulumi#14650).
func (l *Live) check(a Args) error {
	if l == nil {
		return nil
	}
	var errs []error
	for _, fixed := range []struct{ setting, live, wanted string }{
		{"settings.region", l.Region, a.Region}, {"settings.network.vpc", l.VPCRange, a.VPCRange},
		{"settings.network.pods", l.PodRange, a.PodRange}, {"settings.network.services", l.ServiceRange, a.ServiceRange},
	} {
		if fixed.live != "" && fixed.live != fixed.wanted {
			errs = append(errs, fmt.Errorf("%s: the running cluster has %s and cannot change to %s. Write %[2]s again, "+
				"or bring up a second stack and take this one down (docs/operations.md#another-region-or-network)", fixed.setting, fixed.live, fixed.wanted))
		}
	}
	if l.HA && !a.HA {
		errs = append(errs, fmt.Errorf("settings.cluster.ha: the running cluster has the highly available control plane (%s a month), "+
			"which DigitalOcean does not turn off again. Write ha: true", catalog.HAControlPlane.Unit))
	}
	if l.NodeSize != "" && l.NodeSize != a.NodeSize {
		errs = append(errs, fmt.Errorf("settings.capacity: the plan needs nodes of size %s and the running cluster has %s. "+
			"Exchange them without another cluster: go run ./cmd/ops resize -stack %s", a.NodeSize, l.NodeSize, a.Stack))
	}
	return errors.Join(errs...)
}

// Network names a VPC. A stack's VPC has the stack's name.
type Network struct{ Name, Region string }

// CheckDefaultVPC returns an error if the region of the stack's network has no default VPC,
// and logs a warning if the network is the default. The first VPC in a region becomes its
// default, and a default VPC cannot be deleted (terraform-provider-digitalocean#472), so
// the stack could not be taken down.
func CheckDefaultVPC(ctx *pulumi.Context, network Network, opts ...pulumi.InvokeOption) error {
	create := fmt.Sprintf("doctl vpcs create --name default-%s --region %[1]s", network.Region)
	found, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Region: &network.Region}, opts...)
	switch {
	case hasText(err, noDefault):
		return fmt.Errorf("settings.region: the account has no VPC in %s yet. The stack's own would become the region's default, "+
			"which cannot be deleted. Run once: %s", network.Region, create)
	case err != nil:
		return fmt.Errorf("look up the default VPC of %s: %w", network.Region, err)
	case found.Name != network.Name:
		return nil
	}
	return ctx.Log.Warn(fmt.Sprintf("the network %s is the default VPC of %s, so the stack cannot be taken down. "+
		"Make another one the default: %s, then: doctl vpcs update ID --default", network.Name, network.Region, create), nil)
}
