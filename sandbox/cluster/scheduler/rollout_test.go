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

// rollout is a Deployment that changes from one revision to the next.
type rollout struct {
	workload workload.Workload
	// old Pods still run. created are the new Pods that exist, waiting are those that do
	// not exist yet.
	old, created, waiting []*corev1.Pod
}

// rollOut updates all Deployments of a set at the same time. Each creates as many new Pods as
// its surge allows, and deletes an old Pod when a new one has a node. It returns the Pods that
// have no node when nothing has changed for four seconds.
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
			all = append(all, &rollout{workload: w, old: revision(w, "old", w.Replicas), waiting: revision(w, "new", w.Replicas)})
		}
	}
	require.NotEmpty(t, all)
	for changed := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		refused := k.pending(t)
		progress := false
		for _, n := range r.Perm(len(all)) {
			progress = all[n].step(t, k, refused) || progress
		}
		if progress {
			changed = time.Now()
		}
		done := !slices.ContainsFunc(all, func(o *rollout) bool { return len(o.old)+len(o.waiting) > 0 })
		// The scheduler tries again one second after it refused a Pod.
		if refused = k.pending(t); done && len(refused) == 0 || time.Since(changed) > 4*time.Second {
			return refused
		}
	}
}

// step deletes old Pods whose successors have a node, and creates new ones. refused are the
// names of the Pods without a node. It reports whether it did anything.
func (o *rollout) step(t *testing.T, k liveScheduler, refused []string) bool {
	t.Helper()
	placed := 0
	for _, pod := range o.created {
		if !slices.Contains(refused, pod.Name) {
			placed++
		}
	}
	// A Deployment without surge deletes its old Pods first.
	deleted := len(o.old) - max(0, o.workload.Replicas-placed)
	if o.workload.Surge == 0 {
		deleted = len(o.old)
	}
	k.remove(t, o.old[:deleted]...)
	o.old = o.old[deleted:]
	more := min(len(o.waiting), o.workload.Replicas+max(o.workload.Surge, 0)-len(o.old)-len(o.created))
	k.create(t, o.waiting[:more]...)
	o.created, o.waiting = append(o.created, o.waiting[:more]...), o.waiting[more:]
	return deleted+more > 0
}

func TestAllDeploymentsRollOutAtTheSameTimeInAnyOrder(t *testing.T) {
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

func TestRandomWorkloadsRollOutOnThePlannedNodes(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 11))
	planned := 0
	for range 60 {
		s, set := randomWorkload(t, r)
		p, err := sizing.SolveFor(s, set)
		if err != nil {
			continue
		}
		planned++
		size, err := catalog.NodeBySize(p.Nodes.Size)
		require.NoError(t, err)
		refused := rollOut(t, r, cluster{size, p.Nodes.Count}, set)
		assert.Empty(t, refused, "%d × %s: app %d × %v, grafana %v", p.Nodes.Count, p.Nodes.Size, set.App.Replicas, set.App.Request, set.Grafana.Request)
	}
	assert.Greater(t, planned, 40, "workloads that have a plan")
}
