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

// Live is the cluster that runs under the stack's name, as DigitalOcean's API
// tells it. The state of the last update may be older: DigitalOcean upgrades
// clusters, and `ops resize` exchanges node pools, without Pulumi.
type Live struct {
	Region string
	// Version is DigitalOcean's, such as "1.36.1-do.0".
	Version string
	// HA is the highly available control plane.
	HA bool
	// NodeSize is the Droplet size of the default pool; OtherPools are all others.
	NodeSize   string
	OtherPools []Pool
	// VPCRange, PodRange and ServiceRange are in CIDR notation. VPCRange is empty
	// when the cluster is in a network of another name.
	VPCRange, PodRange, ServiceRange string
}

// Pool is a node pool that the stack does not declare.
type Pool struct {
	Name, Size string
	Count      int
}

// defaultPoolTag marks the pool that the provider takes for the default one (seen
// with pulumi-digitalocean 4.76).
const defaultPoolTag = "terraform:default-node-pool"

// What the provider says when there is no such thing (terraform-provider-digitalocean
// 2.96, datasource_kubernetes_cluster.go and datasource_vpc.go). It has no other
// way to ask for what may not exist.
const (
	noClusters = "No clusters found"
	noCluster  = "Unable to find cluster with name"
	noVPC      = "no VPCs found with name"
	noDefault  = "unable to find default VPC"
)

// Lookup reads the cluster of a name; nil means that there is none.
func Lookup(ctx *pulumi.Context, name string, opts ...pulumi.InvokeOption) (*Live, error) {
	found, err := digitalocean.LookupKubernetesCluster(ctx, &digitalocean.LookupKubernetesClusterArgs{Name: name}, opts...)
	if says(err, noCluster) || says(err, noClusters) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the running cluster: %w", err)
	}
	live := &Live{
		Region: found.Region, Version: found.Version, HA: found.Ha,
		PodRange: found.ClusterSubnet, ServiceRange: found.ServiceSubnet,
	}
	live.NodeSize, live.OtherPools = pools(found.NodePools)
	network, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Name: &name}, opts...)
	if says(err, noVPC) {
		return live, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the cluster's network: %w", err)
	}
	live.VPCRange = network.IpRange
	return live, nil
}

func says(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

// pools tells the default pool, by its size, from the others. With two tagged pools
// the provider takes the last one (resource_kubernetes_cluster.go).
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

// WarnOfOtherPools reports node pools that bill and are not on the bill: a resize
// that was interrupted leaves one.
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
			"A resize that was interrupted leaves one: go run ./cmd/ops resize -stack %s goes on with it", pool.Name, pool.Count, pool.Size, price, ctx.Stack()), nil); err != nil {
			return err
		}
	}
	return nil
}

// admits reports every argument that the running cluster cannot be brought to.
// The provider would replace it: the engine deletes a cluster of a fixed name
// before it creates the next one, and stops half way (pulumi#14650).
func (l *Live) admits(a Args) error {
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
		errs = append(errs, errors.New("settings.cluster.ha: the running cluster has the highly available control plane ($40 a month), "+
			"which DigitalOcean does not turn off again. Write ha: true"))
	}
	if l.NodeSize != "" && l.NodeSize != a.NodeSize {
		errs = append(errs, fmt.Errorf("settings.capacity: the plan needs nodes of size %s and the running cluster has %s. "+
			"Exchange them without another cluster: go run ./cmd/ops resize -stack %s", a.NodeSize, l.NodeSize, a.Stack))
	}
	return errors.Join(errs...)
}

// CheckDefaultVPC makes sure that the region has a default VPC beside the stack's.
// The first VPC in a region becomes its default, and a default VPC cannot be
// deleted (terraform-provider-digitalocean#472): the stack could not be taken down.
func CheckDefaultVPC(ctx *pulumi.Context, name, region string, opts ...pulumi.InvokeOption) error {
	create := fmt.Sprintf("doctl vpcs create --name default-%s --region %[1]s", region)
	found, err := digitalocean.LookupVpc(ctx, &digitalocean.LookupVpcArgs{Region: &region}, opts...)
	switch {
	case says(err, noDefault):
		return fmt.Errorf("settings.region: the account has no VPC in %s yet. The stack's own would become the region's default, "+
			"which cannot be deleted. Run once: %s", region, create)
	case err != nil:
		return fmt.Errorf("the default VPC of %s: %w", region, err)
	case found.Name != name:
		return nil
	}
	return ctx.Log.Warn(fmt.Sprintf("the network %s is the default VPC of %s, so the stack cannot be taken down. "+
		"Make another one the default: %s, then: doctl vpcs update ID --default", name, region, create), nil)
}
