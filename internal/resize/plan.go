// Package resize replaces the node pool of a running cluster by one of another node
// size. A change of nodePool.size in the program would replace the cluster; the
// provider follows the tag of the default pool instead, so the pool can be replaced
// through the API. Every step reads from the API how far it came. A run that was
// interrupted is continued by the next one.
package resize

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/digitalocean/godo"

	"github.com/genericcorp/platform/internal/catalog"
)

// defaultPoolTag marks the pool that the Pulumi provider takes for the cluster's
// nodePool: resource_kubernetes_cluster.go in digitalocean/kubernetes of
// digitalocean/terraform-provider-digitalocean.
const defaultPoolTag = "terraform:default-node-pool"

// Target is the pool that the stack file plans.
type Target struct {
	// Cluster is the cluster's name.
	Cluster string
	// Size is a Droplet size, Count the number of nodes.
	Size  string
	Count int
}

// name is the name of the new pool until the next `pulumi up` renames it. It tells a
// later run which pool an interrupted one has made.
func name(size string) string { return "default-" + size }

// Plan says what has to be done to reach a target.
type Plan struct {
	Target  Target
	Cluster *godo.KubernetesCluster
	// To is the pool of the target size; nil when it has to be created. From are the
	// pools that it replaces: the default pool, and what an interrupted resize to yet
	// another size has left.
	To   *godo.KubernetesNodePool
	From []*godo.KubernetesNodePool
	// Notes are facts that could not be checked.
	Notes []string
}

// Needed reports whether there is anything to do.
func (p Plan) Needed() bool {
	return p.To == nil || len(p.From) > 0 || !isDefault(p.To)
}

// pageSize is the most that DigitalOcean returns at once.
const pageSize = 200

// Look reads the cluster's pools and compares them with the target. It fails when
// there is no such cluster, when no pool is the default one, and when the account's
// Droplet limit has no room for both pools.
func Look(ctx context.Context, client *godo.Client, target Target) (Plan, error) {
	p := Plan{Target: target}
	clusters, _, err := client.Kubernetes.List(ctx, &godo.ListOptions{PerPage: pageSize})
	if err != nil {
		return p, fmt.Errorf("list of Kubernetes clusters: %w", err)
	}
	at := slices.IndexFunc(clusters, func(c *godo.KubernetesCluster) bool { return c.Name == target.Cluster })
	if at < 0 {
		return p, fmt.Errorf("the account has no Kubernetes cluster %q; `pulumi up` creates it", target.Cluster)
	}
	p.Cluster = clusters[at]
	pools, err := poolsOf(ctx, client, p.Cluster.ID)
	if err != nil {
		return p, err
	}
	if err := p.sort(pools); err != nil {
		return p, err
	}
	if p.To == nil {
		return p, p.quota(ctx, client)
	}
	return p, nil
}

func poolsOf(ctx context.Context, client *godo.Client, cluster string) ([]*godo.KubernetesNodePool, error) {
	pools, _, err := client.Kubernetes.ListNodePools(ctx, cluster, &godo.ListOptions{PerPage: pageSize})
	if err != nil {
		return nil, fmt.Errorf("list of node pools: %w", err)
	}
	return pools, nil
}

func isDefault(pool *godo.KubernetesNodePool) bool { return slices.Contains(pool.Tags, defaultPoolTag) }

// sort finds the target's pool and those that it replaces. Pools that are neither
// tagged nor named by this package are somebody else's, and are left alone.
func (p *Plan) sort(pools []*godo.KubernetesNodePool) error {
	ours := slices.DeleteFunc(slices.Clone(pools), func(pool *godo.KubernetesNodePool) bool {
		return !isDefault(pool) && pool.Name != name(pool.Size)
	})
	if len(ours) == 0 {
		return fmt.Errorf("no node pool of %s has the tag %q, so it is not known which one to replace; add the tag to that pool with "+
			"`doctl kubernetes cluster node-pool update %[1]s <pool> --tag %[2]s`", p.Target.Cluster, defaultPoolTag)
	}
	// The tagged pool first: its nodes hold the Pods.
	slices.SortStableFunc(ours, func(a, b *godo.KubernetesNodePool) int {
		switch {
		case isDefault(a) == isDefault(b):
			return 0
		case isDefault(a):
			return -1
		}
		return 1
	})
	for _, pool := range ours {
		// A pool whose deletion was accepted stays listed for minutes with nodes that are
		// Ready.
		if pool.Size == p.Target.Size && p.To == nil && !isLeaving(pool) {
			p.To = pool
		} else {
			p.From = append(p.From, pool)
		}
	}
	for _, pool := range pools {
		if p.To == nil && pool.Name == name(p.Target.Size) {
			if isLeaving(pool) {
				return fmt.Errorf("the pool %q is being deleted; run the same command again when it is gone", pool.Name)
			}
			return fmt.Errorf("the name %q is taken by a node pool of the size %s; rename that pool", pool.Name, pool.Size)
		}
	}
	return nil
}

// isLeaving reports whether nodes of a pool are being deleted.
func isLeaving(pool *godo.KubernetesNodePool) bool { return slices.Contains(states(pool), "deleting") }

// quota compares the Droplet limit with what both pools need.
func (p *Plan) quota(ctx context.Context, client *godo.Client) error {
	account, _, err := client.Account.Get(ctx)
	if err != nil {
		return p.unchecked("account:read", err)
	}
	_, response, err := client.Droplets.List(ctx, &godo.ListOptions{PerPage: 1})
	if err != nil {
		return p.unchecked("droplet:read", err)
	}
	if response.Meta == nil {
		return p.unchecked("droplet:read", errors.New("the answer has no total"))
	}
	if have := response.Meta.Total; have+p.Target.Count > account.DropletLimit {
		return fmt.Errorf("the account may have %d Droplets and has %d; the new pool needs %d more beside the old one. "+
			"Ask for a higher limit at https://cloud.digitalocean.com/account/team/droplet_limit_increase",
			account.DropletLimit, have, p.Target.Count)
	}
	return nil
}

// unchecked notes that a token may not read the quota; other errors are returned.
func (p *Plan) unchecked(scope string, err error) error {
	refused := &godo.ErrorResponse{}
	if errors.As(err, &refused) && (refused.Response.StatusCode == http.StatusForbidden || refused.Response.StatusCode == http.StatusUnauthorized) {
		p.Notes = append(p.Notes, fmt.Sprintf("the Droplet limit is not checked: the token lacks the scope %s", scope))
		return nil
	}
	return fmt.Errorf("the Droplet limit: %w", err)
}

// tagsFor are the tags of the new pool: those of the old one without what
// DigitalOcean adds to every pool (kubernetes/models/node_pool.yml of
// digitalocean/openapi). The default pool's tag is left out as well. It follows
// when the new pool has taken over, so that a refresh in between still finds the
// old pool.
func tagsFor(pool *godo.KubernetesNodePool) []string {
	return slices.DeleteFunc(slices.Clone(pool.Tags), func(tag string) bool {
		return tag == "k8s" || tag == "k8s-worker" || strings.HasPrefix(tag, "k8s:") || tag == defaultPoolTag
	})
}

// monthly is the price of nodes in cents a month.
func monthly(size string, count int) (int64, error) {
	node, err := catalog.NodeBySize(size)
	if err != nil {
		return 0, fmt.Errorf("price: %w", err)
	}
	return int64(node.Unit) * int64(count), nil
}
