// Package resize replaces the node pool of a running cluster by one of another node size.
//
// If the Pulumi program changed nodePool.size, the provider would replace the whole
// cluster. But the provider finds the default pool by its tag, so the pool can be replaced
// through the API. After that, `pulumi up --refresh` only renames the new pool.
//
// Look reads the state of both APIs, and Resizer.Run does the steps that are left. Nothing
// is stored between runs, so after an interruption the same command continues.
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

// defaultPoolTag is the tag by which the Pulumi provider finds the cluster's nodePool
// (digitalocean/kubernetes/resource_kubernetes_cluster.go of
// digitalocean/terraform-provider-digitalocean).
const defaultPoolTag = "terraform:default-node-pool"

// Target is the pool that the stack file plans.
type Target struct {
	// Cluster is the name of the cluster.
	Cluster string
	// Size is a Droplet size, for example "s-2vcpu-4gb".
	Size string
	// Count is the number of nodes.
	Count int
}

// newPoolName returns the name of the new pool. The next `pulumi up` renames it. Until
// then a later run finds the pool by this name.
func newPoolName(size string) string { return "default-" + size }

// Plan has the pools of a cluster and the target. Look returns it.
type Plan struct {
	Target  Target
	Cluster *godo.KubernetesCluster
	// To is the pool of the target size. It is nil if it has to be created.
	To *godo.KubernetesNodePool
	// From are the pools to replace: the default pool, and the pool of an interrupted
	// resize to another size.
	From []*godo.KubernetesNodePool
	// Notes say what could not be checked, as clauses without a full stop.
	Notes []string
}

// Needed reports whether any step is left.
func (p Plan) Needed() bool {
	return p.To == nil || len(p.From) > 0 || !isDefault(p.To)
}

// pageSize is the most that DigitalOcean returns at once.
const pageSize = 200

// Look reads the cluster's pools and compares them with the target. It changes nothing.
// It returns an error if the cluster or its default pool is missing. It also returns one if
// another pool has the new pool's name, or if the Droplet limit has no room for both pools.
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
	if err := p.setPools(pools); err != nil {
		return p, err
	}
	if p.To == nil {
		return p, p.checkDropletLimit(ctx, client)
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

// setPools sets To and From. Pools that have neither the tag nor a name of this package
// belong to somebody else, and it ignores them.
func (p *Plan) setPools(pools []*godo.KubernetesNodePool) error {
	ours := slices.DeleteFunc(slices.Clone(pools), func(pool *godo.KubernetesNodePool) bool {
		return !isDefault(pool) && pool.Name != newPoolName(pool.Size)
	})
	if len(ours) == 0 {
		return fmt.Errorf("no node pool of %s has the tag %q; add the tag to the pool that is to be replaced: "+
			"`doctl kubernetes cluster node-pool update %[1]s <pool> --tag %[2]s`", p.Target.Cluster, defaultPoolTag)
	}
	// The tagged pool comes first, because the Pods run on its nodes.
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
		// The API lists a pool that is being deleted for minutes, with nodes that are
		// Ready.
		if pool.Size == p.Target.Size && p.To == nil && !isBeingDeleted(pool) {
			p.To = pool
		} else {
			p.From = append(p.From, pool)
		}
	}
	for _, pool := range pools {
		if p.To == nil && pool.Name == newPoolName(p.Target.Size) {
			if isBeingDeleted(pool) {
				return fmt.Errorf("the pool %q is being deleted; run the same command again when it is gone", pool.Name)
			}
			return fmt.Errorf("the name %q is taken by a node pool of the size %s that this command did not create; rename that pool", pool.Name, pool.Size)
		}
	}
	return nil
}

// isBeingDeleted reports whether nodes of a pool are being deleted.
func isBeingDeleted(pool *godo.KubernetesNodePool) bool {
	return slices.Contains(nodeStates(pool), "deleting")
}

// checkDropletLimit returns an error if the account's Droplet limit has no room for the
// new pool beside the old one.
func (p *Plan) checkDropletLimit(ctx context.Context, client *godo.Client) error {
	account, _, err := client.Account.Get(ctx)
	if err != nil {
		return p.noteIfForbidden("account:read", err)
	}
	_, response, err := client.Droplets.List(ctx, &godo.ListOptions{PerPage: 1})
	if err != nil {
		return p.noteIfForbidden("droplet:read", err)
	}
	if response.Meta == nil {
		return p.noteIfForbidden("droplet:read", errors.New("the answer has no total"))
	}
	if have := response.Meta.Total; have+p.Target.Count > account.DropletLimit {
		return fmt.Errorf("the account may have %d Droplets and has %d; while both pools exist, it needs %d more. "+
			"Ask for a higher limit at https://cloud.digitalocean.com/account/team/droplet_limit_increase",
			account.DropletLimit, have, p.Target.Count)
	}
	return nil
}

// noteIfForbidden adds a note if the token lacks a scope. It returns any other error.
func (p *Plan) noteIfForbidden(scope string, err error) error {
	refused := &godo.ErrorResponse{}
	if errors.As(err, &refused) && (refused.Response.StatusCode == http.StatusForbidden || refused.Response.StatusCode == http.StatusUnauthorized) {
		p.Notes = append(p.Notes, fmt.Sprintf("the Droplet limit is not checked: the token lacks the scope %s", scope))
		return nil
	}
	return fmt.Errorf("the Droplet limit cannot be read: %w", err)
}

// tagsFor returns the tags for a pool that replaces this one. It leaves out the tags that
// DigitalOcean adds to every pool (kubernetes/models/node_pool.yml of
// digitalocean/openapi). It also leaves out the default pool's tag: moveTag adds that when
// the Pods have moved, so that a refresh in between still finds the old pool.
func tagsFor(pool *godo.KubernetesNodePool) []string {
	return slices.DeleteFunc(slices.Clone(pool.Tags), func(tag string) bool {
		return tag == "k8s" || tag == "k8s-worker" || strings.HasPrefix(tag, "k8s:") || tag == defaultPoolTag
	})
}

// monthlyPrice returns the price of nodes in cents per month.
func monthlyPrice(size string, count int) (int64, error) {
	node, err := catalog.NodeBySize(size)
	if err != nil {
		return 0, fmt.Errorf("the price of the nodes: %w", err)
	}
	return int64(node.Unit) * int64(count), nil
}
