package scheduler_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

// rollout is a Deployment on its way from one revision to the next.
type rollout struct {
	of workload.Workload
	// old Pods still run; fresh ones are asked for, left are yet to be.
	old, fresh, left []*corev1.Pod
}

// rollOut replaces every Pod of a set at once, as their Deployments do: as many new
// ones as the surge admits, and an old one goes when a new one has a node. It
// returns what finds none when nothing moves any more.
func rollOut(t *testing.T, r *rand.Rand, c cluster, set workload.Set) []string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	k := start(ctx, t, c)
	system, ours, _ := c.pods(set, false)
	k.create(t, slices.Concat(system, shuffled(r, ours))...)
	require.Empty(t, k.pending(t))
	var all []*rollout
	for w := range set.All() {
		if w.Kind == workload.Deployment {
			all = append(all, &rollout{of: w, old: revision(w, "old", w.Replicas), left: revision(w, "new", w.Replicas)})
		}
	}
	for moved := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		refused := k.pending(t)
		progress := false
		for _, n := range r.Perm(len(all)) {
			progress = all[n].step(t, k, refused) || progress
		}
		if progress {
			moved = time.Now()
		}
		done := !slices.ContainsFunc(all, func(o *rollout) bool { return len(o.old)+len(o.left) > 0 })
		// The scheduler tries again a second after it refused a Pod.
		if refused = k.pending(t); done && len(refused) == 0 || time.Since(moved) > 4*time.Second {
			return refused
		}
	}
}

// step takes old Pods away whose successors have a node, and asks for new ones.
func (o *rollout) step(t *testing.T, k running, refused []string) bool {
	t.Helper()
	placed := 0
	for _, pod := range o.fresh {
		if !slices.Contains(refused, pod.Name) {
			placed++
		}
	}
	// A Deployment without surge is stopped first.
	gone := len(o.old) - max(0, o.of.Replicas-placed)
	if o.of.Surge == 0 {
		gone = len(o.old)
	}
	k.remove(t, o.old[:gone]...)
	o.old = o.old[gone:]
	more := min(len(o.left), o.of.Replicas+max(o.of.Surge, 0)-len(o.old)-len(o.fresh))
	k.create(t, o.left[:more]...)
	o.fresh, o.left = append(o.fresh, o.left[:more]...), o.left[more:]
	return gone+more > 0
}

func TestEveryDeploymentRollsOutAtOnceInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, name := range []string{"demo", "prod"} {
		p, err := sizing.Solve(stack(t, name))
		require.NoError(t, err)
		size, err := catalog.NodeBySize(p.Nodes.Size)
		require.NoError(t, err)
		for range 5 {
			assert.Empty(t, rollOut(t, r, cluster{size, p.Nodes.Count}, p.Workload), "%s on %d × %s", name, p.Nodes.Count, p.Nodes.Size)
		}
	}
}

func TestRandomWorkloadsRollOut(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	for range 60 {
		s, set := randomWorkload(t, r)
		p, err := sizing.SolveFor(s, set)
		if err != nil {
			continue
		}
		size, err := catalog.NodeBySize(p.Nodes.Size)
		require.NoError(t, err)
		refused := rollOut(t, r, cluster{size, p.Nodes.Count}, set)
		assert.Empty(t, refused, "%d × %s: app %d × %v, grafana %v", p.Nodes.Count, p.Nodes.Size, set.App.Replicas, set.App.Request, set.Grafana.Request)
	}
}
