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

// poolLabel has the ID of its pool on every node of DigitalOcean Kubernetes.
const poolLabel = "doks.digitalocean.com/node-pool-id"

// Resizer carries out a plan.
type Resizer struct {
	// DigitalOcean and Kubernetes are the clients of the account and of the cluster.
	DigitalOcean *godo.Client
	Kubernetes   kubernetes.Interface
	// Interval is the time between two looks at something that is awaited, Timeout how
	// long each wait lasts at most: for new nodes, for the drain of one node, for the
	// end of a pool.
	Interval, Timeout time.Duration
	// Out takes a line for every step and every wait.
	Out io.Writer
}

// Run carries out the steps of a plan that are left. When it fails or ctx ends,
// another Look and Run go on from there. The error names the step. A wait that took
// too long is a *TimeoutError.
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

func (r Resizer) say(format string, args ...any) { fmt.Fprintf(r.Out, format+"\n", args...) }

// addPool creates the target's pool, or gives it the nodes that it lacks.
func (r Resizer) addPool(ctx context.Context, p *Plan) error {
	if p.To == nil {
		old := p.From[0]
		pool, _, err := r.DigitalOcean.Kubernetes.CreateNodePool(ctx, p.Cluster.ID, &godo.KubernetesNodePoolCreateRequest{
			Name: name(p.Target.Size), Size: p.Target.Size, Count: p.Target.Count,
			Tags: tagsFor(old), Labels: old.Labels, Taints: old.Taints,
		})
		if err != nil {
			return err
		}
		p.To = pool
		r.say("added the pool %s with %d × %s", pool.Name, pool.Count, pool.Size)
		return nil
	}
	if len(p.From) == 0 || p.To.Count >= p.Target.Count {
		return nil
	}
	return r.update(ctx, p, p.Target.Count, p.To.Tags)
}

// update changes count and tags of the new pool. The API wants the name with it
// (kubernetes_node_pool_update in digitalocean/openapi).
func (r Resizer) update(ctx context.Context, p *Plan, count int, tags []string) error {
	pool, _, err := r.DigitalOcean.Kubernetes.UpdateNodePool(ctx, p.Cluster.ID, p.To.ID, &godo.KubernetesNodePoolUpdateRequest{
		Name: p.To.Name, Count: &count, Tags: tags, Labels: p.To.Labels,
	})
	if err == nil {
		p.To = pool
	}
	return err
}

// nodes lists the Kubernetes nodes of a pool.
func (r Resizer) nodes(ctx context.Context, pool string) ([]corev1.Node, error) {
	list, err := r.Kubernetes.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: poolLabel + "=" + pool})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// awaitNodes waits until all nodes of the new pool are Ready, and opens them: they
// are cordoned when an earlier run went the other way.
func (r Resizer) awaitNodes(ctx context.Context, p *Plan) error {
	err := r.until(ctx, "nodes of the pool "+p.To.Name, func(ctx context.Context) (string, error) {
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
			ready, p.To.Count, p.To.Name, strings.Join(states(pool), ", ")), nil
	})
	if err != nil {
		return err
	}
	r.say("%d nodes of the pool %s are Ready", p.To.Count, p.To.Name)
	return r.setUnschedulable(ctx, p.To, false)
}

// states are what DigitalOcean reports for the nodes of a pool, such as
// "provisioning" or "running".
func states(pool *godo.KubernetesNodePool) []string {
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

// moveTag gives the new pool the tag of the default pool. The old pool has it until
// it is deleted, which follows at once.
func (r Resizer) moveTag(ctx context.Context, p *Plan) error {
	if isDefault(p.To) {
		return nil
	}
	if err := r.update(ctx, p, p.To.Count, append(tagsFor(p.To), defaultPoolTag)); err != nil {
		return err
	}
	r.say("the pool %s is the default pool now", p.To.Name)
	return nil
}

func (r Resizer) deletePools(ctx context.Context, p *Plan) error {
	for _, pool := range p.From {
		response, err := r.DigitalOcean.Kubernetes.DeleteNodePool(ctx, p.Cluster.ID, pool.ID)
		if err != nil && (response == nil || response.StatusCode != http.StatusNotFound) {
			return err
		}
		r.say("deleting the pool %s", pool.Name)
	}
	return r.until(ctx, "end of the old pools", func(ctx context.Context) (string, error) {
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
			there := slices.ContainsFunc(pools, func(other *godo.KubernetesNodePool) bool { return other.ID == pool.ID })
			if there || len(nodes) > 0 {
				left = append(left, fmt.Sprintf("%s with %d nodes", pool.Name, len(nodes)))
			}
		}
		if len(left) == 0 {
			return "", nil
		}
		return "still there: " + strings.Join(left, ", "), nil
	})
}
