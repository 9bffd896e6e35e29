package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/digitalocean/godo"
	"github.com/spf13/cobra"

	"github.com/genericcorp/platform/internal/adopt"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// leftoverScopes are what a token needs to list them.
const leftoverScopes = "kubernetes:read, database:read, droplet:read, load_balancer:read, block_storage:read, snapshot:read, uptime:read and vpc:read"

func leftoversCommand() *cobra.Command {
	var flags stackFlags
	var noState bool
	command := &cobra.Command{
		Use:   "leftovers --stack demo",
		Short: "List what still costs money although the stack does not have it",
		Long: `Lists what the DigitalOcean account has and the stack's state lacks: clusters, databases and
uptime checks with the stack's name, Droplets and load balancers in its network, and of the whole account the
volumes that no Droplet uses, load balancers without Droplets, and snapshots of deleted
volumes. Each line has its price a month and a doctl command that deletes it. It changes
nothing. Exit status 1 means that something is left.

Run it after pulumi destroy, and now and then on a stack that runs. After pulumi stack rm pass
--no-state. Needs DIGITALOCEAN_ACCESS_TOKEN with the scopes
` + leftoverScopes + `.`,
		RunE: func(command *cobra.Command, _ []string) error { return runLeftovers(command, &flags, noState) },
	}
	flags.add(command)
	command.Flags().BoolVar(&noState, "no-state", false, "the stack's state is gone, so all that has its name is left over")
	return command
}

func runLeftovers(command *cobra.Command, flags *stackFlags, noState bool) error {
	declared, err := flags.load()
	if err != nil {
		return err
	}
	client, err := digitalOcean(leftoverScopes)
	if err != nil {
		return err
	}
	var state adopt.State
	if !noState {
		exported, err := flags.export(command.Context())
		if err != nil {
			return err
		}
		if state, err = adopt.ParseState(exported); err != nil {
			return err
		}
	}
	a, err := readAccount(command.Context(), client)
	if err != nil {
		return fmt.Errorf("DigitalOcean: %w", err)
	}
	left := a.leftovers(declared.resource, state)
	if len(left) == 0 {
		command.Printf("nothing of %s is left that costs money\n", declared.resource)
		return nil
	}
	var total budget.Cents
	for _, l := range left {
		total += l.monthly
		command.Printf("%s a month: %s\n  %s\n", l.price(), l.what, l.remove)
	}
	command.Printf("%d left, %s a month together. Look at each before you delete it: a volume or a database may have the only copy of its data.\n", len(left), total)
	return errFound
}

// account has everything in an account that can be left over.
type account struct {
	vpcs      []*godo.VPC
	clusters  []*godo.KubernetesCluster
	databases []godo.Database
	droplets  []godo.Droplet
	balancers []godo.LoadBalancer
	volumes   []godo.Volume
	snapshots []godo.Snapshot
	checks    []godo.UptimeCheck
}

// readAccount reads all lists. Its error joins those of every list that cannot be read.
func readAccount(ctx context.Context, client *godo.Client) (account, error) {
	var a account
	volumes := func(ctx context.Context, page *godo.ListOptions) ([]godo.Volume, *godo.Response, error) {
		return client.Storage.ListVolumes(ctx, &godo.ListVolumeParams{ListOptions: page})
	}
	return a, errors.Join(
		read(ctx, "VPCs", client.VPCs.List, &a.vpcs),
		read(ctx, "Kubernetes clusters", client.Kubernetes.List, &a.clusters),
		read(ctx, "databases", client.Databases.List, &a.databases),
		read(ctx, "Droplets", client.Droplets.List, &a.droplets),
		read(ctx, "load balancers", client.LoadBalancers.List, &a.balancers),
		read(ctx, "volumes", volumes, &a.volumes),
		read(ctx, "snapshots", client.Snapshots.ListVolume, &a.snapshots),
		read(ctx, "uptime checks", client.UptimeChecks.List, &a.checks),
	)
}

// read sets out to the items of all pages of a list.
func read[T any](ctx context.Context, name string, list func(context.Context, *godo.ListOptions) ([]T, *godo.Response, error), out *[]T) error {
	items, err := adopt.All(ctx, list)
	if err != nil {
		return fmt.Errorf("list of %s: %w", name, err)
	}
	*out = items
	return nil
}

// leftover is something that costs money.
type leftover struct {
	what string
	// monthly is its price; unpriced is true if the catalogue lacks its size.
	monthly  budget.Cents
	unpriced bool
	// remove is a command that deletes it.
	remove string
}

func (l leftover) price() string {
	if l.unpriced {
		return "unknown price"
	}
	return l.monthly.String()
}

// leftovers returns what costs money and is not in the state of a stack, whose resources have a
// name.
func (a account) leftovers(name string, state adopt.State) []leftover {
	var out []leftover
	network := ""
	for _, vpc := range a.vpcs {
		if vpc.Name == name {
			network = vpc.ID
		}
	}
	for _, c := range a.clusters {
		if c.Name == name && !state.HasID(c.ID) {
			out = append(out, leftoverCluster(c))
		}
	}
	for _, d := range a.databases {
		if d.Name == name && !state.HasID(d.ID) {
			size, err := catalog.DatabaseBySize(d.SizeSlug)
			out = append(out, leftover{fmt.Sprintf("database %s, %d × %s", name, d.NumNodes, d.SizeSlug), size.Unit * budget.Cents(d.NumNodes), err != nil,
				"doctl databases delete " + d.ID})
		}
	}
	for _, c := range a.checks {
		if strings.HasPrefix(c.Name, name+"-") && !state.HasID(c.ID) {
			out = append(out, leftover{"uptime check " + c.Name + " of " + c.Target, catalog.UptimeCheck.Unit, false, "doctl monitoring uptime delete " + c.ID})
		}
	}
	out = append(out, a.strayDroplets(network)...)
	out = append(out, a.strayBalancers(network)...)
	return append(out, a.strayDisks()...)
}

func leftoverCluster(c *godo.KubernetesCluster) leftover {
	out := leftover{what: "Kubernetes cluster " + c.Name, remove: "doctl kubernetes cluster delete " + c.ID + " # and its Droplets"}
	for _, pool := range c.NodePools {
		size, err := catalog.NodeBySize(pool.Size)
		out.monthly += size.Unit * budget.Cents(pool.Count)
		out.unpriced = out.unpriced || err != nil
		out.what += fmt.Sprintf(", %d × %s", pool.Count, pool.Size)
	}
	if c.HA {
		out.monthly += catalog.HAControlPlane.Unit
		out.what += ", HA"
	}
	return out
}

// strayDroplets returns the Droplets of a network that are nodes of no cluster: a node that was
// replaced and stayed, or the nodes of a cluster that is gone.
func (a account) strayDroplets(network string) []leftover {
	var nodes []string
	for _, c := range a.clusters {
		for _, pool := range c.NodePools {
			for _, node := range pool.Nodes {
				nodes = append(nodes, node.DropletID)
			}
		}
	}
	var out []leftover
	for _, d := range a.droplets {
		if network != "" && d.VPCUUID == network && !slices.Contains(nodes, fmt.Sprint(d.ID)) {
			size, err := catalog.NodeBySize(d.SizeSlug)
			out = append(out, leftover{fmt.Sprintf("Droplet %s, %s, a node of no cluster", d.Name, d.SizeSlug), size.Unit, err != nil, fmt.Sprintf("doctl compute droplet delete %d", d.ID)})
		}
	}
	return out
}

// strayBalancers returns the load balancers that have no Droplets, and those of a network
// without a cluster.
func (a account) strayBalancers(network string) []leftover {
	hasCluster := slices.ContainsFunc(a.clusters, func(c *godo.KubernetesCluster) bool { return c.VPCUUID == network })
	var out []leftover
	for _, b := range a.balancers {
		why := "without Droplets"
		if len(b.DropletIDs) > 0 {
			if network == "" || b.VPCUUID != network || hasCluster {
				continue
			}
			why = "in the stack's network, which has no cluster"
		}
		price := catalog.LoadBalancer
		if strings.Contains(b.Type, "NETWORK") {
			price = catalog.NetworkLoadBalancer
		}
		out = append(out, leftover{fmt.Sprintf("load balancer %s, %s", b.Name, why), price.Unit * budget.Cents(max(1, b.SizeUnit)), b.Type == godo.LoadBalancerTypeGlobal,
			"doctl compute load-balancer delete " + b.ID})
	}
	return out
}

// strayDisks returns the volumes that no Droplet uses, and the snapshots whose volume is gone.
func (a account) strayDisks() []leftover {
	var out []leftover
	volumes := map[string]bool{}
	for _, v := range a.volumes {
		volumes[v.ID] = true
		if len(v.DropletIDs) == 0 {
			out = append(out, leftover{fmt.Sprintf("volume %s, %d GiB, used by no Droplet", v.Name, v.SizeGigaBytes), catalog.BlockStorage.Unit * budget.Cents(v.SizeGigaBytes), false,
				"doctl compute volume delete " + v.ID})
		}
	}
	for _, s := range a.snapshots {
		if !volumes[s.ResourceID] {
			monthly := budget.Cents(math.Ceil(s.SizeGigaBytes * float64(catalog.Snapshot.Unit)))
			out = append(out, leftover{fmt.Sprintf("snapshot %s, %.1f GiB, of a volume that is gone", s.Name, s.SizeGigaBytes), monthly, false,
				"doctl compute snapshot delete " + s.ID})
		}
	}
	return out
}
