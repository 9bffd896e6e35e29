package resize

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/digitalocean/godo"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// poolLabel is the label that DigitalOcean Kubernetes puts on every node. Its value is the
// ID of the node's pool.
const poolLabel = "doks.digitalocean.com/node-pool-id"

// Resizer does the steps of a plan. All its fields are required.
type Resizer struct {
	// DigitalOcean is a client of the account.
	DigitalOcean *godo.Client
	// Kubernetes is a client of the cluster, such as Connect returns.
	Kubernetes kubernetes.Interface
	// Interval is the time between two checks while Run waits.
	Interval time.Duration
	// Timeout is the maximum of each single wait: for the new nodes, for the drain of one
	// node, and for the end of the old pools.
	Timeout time.Duration
	// Out gets a line for every step, and for every wait.
	Out io.Writer
}

// Run does the steps of a plan that are left. The error names the step that failed. A wait
// that exceeds Timeout is a *TimeoutError. After an error, or when ctx ends, call Look and
// Run again: they continue.
func (r Resizer) Run(ctx context.Context, p Plan) error {
	for _, step := range []struct {
		name string
		do   func(context.Context, *Plan) error
	}{
		{"adding the new pool", r.addPool},
		{"waiting for the new nodes", r.awaitNodes},
		{"cordoning the old nodes", r.cordon},
		{"draining the old nodes", r.drain},
		{"moving the tag of the default pool", r.moveTag},
		{"deleting the old pool", r.deletePools},
	} {
		if err := step.do(ctx, &p); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func (r Resizer) printf(format string, args ...any) { fmt.Fprintf(r.Out, format+"\n", args...) }

// addPool creates the new pool, or adds the nodes that it lacks.
func (r Resizer) addPool(ctx context.Context, p *Plan) error {
	if p.To == nil {
		old := p.From[0]
		pool, _, err := r.DigitalOcean.Kubernetes.CreateNodePool(ctx, p.Cluster.ID, &godo.KubernetesNodePoolCreateRequest{
			Name: newPoolName(p.Target.Size), Size: p.Target.Size, Count: p.Target.Count,
			Tags: tagsFor(old), Labels: old.Labels, Taints: old.Taints,
		})
		if err != nil {
			return err
		}
		p.To = pool
		r.printf("added the pool %s with %d × %s", pool.Name, pool.Count, pool.Size)
		return nil
	}
	if len(p.From) == 0 || p.To.Count >= p.Target.Count {
		return nil
	}
	return r.update(ctx, p, p.Target.Count, p.To.Tags)
}

// update changes the count and the tags of the new pool. The API requires the name in
// every update (kubernetes_node_pool_update in digitalocean/openapi).
func (r Resizer) update(ctx context.Context, p *Plan, count int, tags []string) error {
	pool, _, err := r.DigitalOcean.Kubernetes.UpdateNodePool(ctx, p.Cluster.ID, p.To.ID, &godo.KubernetesNodePoolUpdateRequest{
		Name: p.To.Name, Count: &count, Tags: tags, Labels: p.To.Labels,
	})
	if err == nil {
		p.To = pool
	}
	return err
}

// nodes returns the Kubernetes nodes of a pool, given the pool's ID.
func (r Resizer) nodes(ctx context.Context, pool string) ([]corev1.Node, error) {
	list, err := r.Kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: poolLabel + "=" + pool})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// awaitNodes waits until all nodes of the new pool are Ready, and uncordons them. They are
// cordoned if an earlier run was to replace this pool.
func (r Resizer) awaitNodes(ctx context.Context, p *Plan) error {
	err := r.waitFor(ctx, "nodes of the pool "+p.To.Name, func(ctx context.Context) (string, error) {
		pool, _, err := r.DigitalOcean.Kubernetes.GetNodePool(ctx, p.Cluster.ID, p.To.ID)
		if err != nil {
			return "", err
		}
		nodes, err := r.nodes(ctx, p.To.ID)
		if err != nil {
			return "", err
		}
		ready := len(slices.DeleteFunc(nodes, func(n corev1.Node) bool { return !isReady(n) }))
		if ready >= p.To.Count {
			return "", nil
		}
		return fmt.Sprintf("%d of %d nodes of the pool %s are Ready; DigitalOcean reports %s",
			ready, p.To.Count, p.To.Name, strings.Join(nodeStates(pool), ", ")), nil
	})
	if err != nil {
		return err
	}
	r.printf("%d nodes of the pool %s are Ready", p.To.Count, p.To.Name)
	return r.setUnschedulable(ctx, p.To, false)
}

// nodeStates returns the states that DigitalOcean reports for the nodes of a pool, such as
// "provisioning", "running" or "deleting".
func nodeStates(pool *godo.KubernetesNodePool) []string {
	var out []string
	for _, node := range pool.Nodes {
		if node.Status != nil {
			out = append(out, node.Status.State)
		}
	}
	return out
}

func isReady(node corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// moveTag adds the tag of the default pool to the new pool. The old pool keeps its tag,
// because the next step deletes it.
func (r Resizer) moveTag(ctx context.Context, p *Plan) error {
	if isDefault(p.To) {
		return nil
	}
	if err := r.update(ctx, p, p.To.Count, append(tagsFor(p.To), defaultPoolTag)); err != nil {
		return err
	}
	r.printf("the pool %s is the default pool now", p.To.Name)
	return nil
}

// deletePools deletes the old pools and waits until the pools and their nodes are gone. A
// pool that is gone already is no error.
func (r Resizer) deletePools(ctx context.Context, p *Plan) error {
	for _, pool := range p.From {
		response, err := r.DigitalOcean.Kubernetes.DeleteNodePool(ctx, p.Cluster.ID, pool.ID)
		if err != nil && (response == nil || response.StatusCode != http.StatusNotFound) {
			return err
		}
		r.printf("deleting the pool %s", pool.Name)
	}
	return r.waitFor(ctx, "end of the old pools", func(ctx context.Context) (string, error) {
		pools, err := poolsOf(ctx, r.DigitalOcean, p.Cluster.ID)
		if err != nil {
			return "", err
		}
		var left []string
		for _, pool := range p.From {
			nodes, err := r.nodes(ctx, pool.ID)
			if err != nil {
				return "", err
			}
			exists := slices.ContainsFunc(pools, func(other *godo.KubernetesNodePool) bool { return other.ID == pool.ID })
			if exists || len(nodes) > 0 {
				left = append(left, fmt.Sprintf("%s with %d nodes", pool.Name, len(nodes)))
			}
		}
		if len(left) == 0 {
			return "", nil
		}
		return "not deleted yet: " + strings.Join(left, ", "), nil
	})
}
