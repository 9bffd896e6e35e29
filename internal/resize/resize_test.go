package resize_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/resize"
	"github.com/genericcorp/platform/sandbox/cloud"
)

func daemonSet() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "owner"}}
}

// assertResized checks the end of a resize to 1 × s-4vcpu-8gb: one pool with the tags of
// the old one, and every Pod on its node.
func (f *fixture) assertResized(t *testing.T) {
	t.Helper()
	f.syncNodes()
	pools := f.pools()
	require.Len(t, pools, 1)
	assert.Equal(t, "default-s-4vcpu-8gb", pools[0].Name)
	assert.Equal(t, []string{"platform", "prod", defaultTag}, pools[0].Tags)
	nodes := f.nodes()
	require.Len(t, nodes, 1)
	assert.False(t, nodes[0].Spec.Unschedulable)
	placed := map[string]int{}
	for _, pod := range f.pods(nil).Items {
		if pod.OwnerReferences[0].Kind != "DaemonSet" {
			assert.Equal(t, "default-s-4vcpu-8gb-0", pod.Spec.NodeName, pod.Name)
			placed[pod.Namespace]++
		}
	}
	assert.Equal(t, map[string]int{"app": 2, "monitoring": 1}, placed)
}

func TestRunMovesEveryPodAndLeavesOnePoolWithTheOldTags(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	f.assertResized(t)
	for _, line := range []string{
		"added the pool default-s-4vcpu-8gb with 1 × s-4vcpu-8gb", "0 of 1 nodes of the pool default-s-4vcpu-8gb are Ready; DigitalOcean reports provisioning",
		"node default-0: unschedulable=true", "draining the node default-1 (2 of 2)", "evicted app/app-0",
		"the pool default-s-4vcpu-8gb is the default pool now", "deleting the pool default",
	} {
		assert.Contains(t, f.out.String(), line)
	}
}

// The run is killed at each of its calls to either API, once before the call and once
// after it. The next run has to end like an undisturbed run.
func TestRunFinishesAResizeThatWasKilledAtAnyCall(t *testing.T) {
	for _, stopAfterCall := range []bool{false, true} {
		kills := 0
		for at := 0; ; at++ {
			f := newFixture(t)
			f.stopAfterCall = stopAfterCall
			err := f.run("s-4vcpu-8gb", 1, at)
			if err == nil && f.calls <= at {
				break
			}
			kills++
			require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), "killed at call %d: %s", at, f.out.String())
			f.assertResized(t)
		}
		assert.Greater(t, kills, 20, "calls at which the run was killed")
	}
}

func TestLookNeedsNothingForAPoolOfTheTargetSize(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.run("s-2vcpu-4gb", 3, -1))
	assert.Len(t, f.pools(), 1)
	assert.Empty(t, f.out.String(), "`pulumi up` changes the count")
}

func TestRunWithAnotherTargetReplacesThePoolOfAnInterruptedResize(t *testing.T) {
	f := newFixture(t)
	require.Error(t, f.run("s-8vcpu-16gb", 1, 14))
	require.Len(t, f.pools(), 2)
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	f.assertResized(t)
}

func TestRunWithTheOldSizeDeletesThePoolOfAnInterruptedResize(t *testing.T) {
	f := newFixture(t)
	require.Error(t, f.run("s-4vcpu-8gb", 1, 14))
	require.Len(t, f.pools(), 2)
	require.NoError(t, f.run("s-2vcpu-4gb", 2, -1), f.out.String())
	pools := f.pools()
	require.Len(t, pools, 1)
	assert.Equal(t, "default", pools[0].Name)
	for _, node := range f.nodes() {
		assert.False(t, node.Spec.Unschedulable, node.Name)
	}
}

func TestRunThatCannotDrainNamesTheDisruptionBudgetAndKeepsTheOldPool(t *testing.T) {
	f := newFixture(t)
	require.NoError(t, f.client.Tracker().Delete(podKind, "app", "app-1"))
	err := f.run("s-4vcpu-8gb", 1, -1)
	stuck := &resize.TimeoutError{}
	require.ErrorAs(t, err, &stuck)
	assert.Contains(t, stuck.Missing, "app/app-0 is held by the disruption budget app (healthy Pods: 1, required: 1)")
	assert.Contains(t, stuck.Missing, "kubectl -n app describe pods")
	assert.Len(t, f.pools(), 2)
	f.addPod("app", "app-2", "default-s-4vcpu-8gb-0", "ReplicaSet")
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), "the next run continues when the app is healthy")
	assert.Len(t, f.pools(), 1)
}

func TestRunNamesAndKeepsAPodWithoutAController(t *testing.T) {
	f := newFixture(t)
	f.addPod("default", "by-hand", "default-0", "ReplicaSet")
	pod := f.pod("default", "by-hand")
	pod.OwnerReferences = nil
	require.NoError(t, f.client.Tracker().Update(podKind, pod, "default"))
	err := f.run("s-4vcpu-8gb", 1, -1)
	assert.ErrorContains(t, err, "default/by-hand")
	assert.ErrorContains(t, err, "delete it yourself")
	assert.NotNil(t, f.pod("default", "by-hand"))
}

func TestLookRefusesADropletLimitWithoutRoomForBothPools(t *testing.T) {
	f := newFixture(t)
	f.server.DropletLimit = 2
	err := f.run("s-4vcpu-8gb", 1, -1)
	assert.ErrorContains(t, err, "may have 2 Droplets and has 2")
	assert.ErrorContains(t, err, "droplet_limit_increase")
	assert.Len(t, f.pools(), 1)
}

func TestRunKeepsPoolsOfSomebodyElse(t *testing.T) {
	f := newFixture(t)
	f.setPools(append(f.pools(), cloud.NodePool{ID: "theirs", Name: "batch", Size: "c-2", Count: 1})...)
	f.syncNodes()
	require.NoError(t, f.run("s-4vcpu-8gb", 1, -1), f.out.String())
	pools := f.pools()
	require.Len(t, pools, 2)
	assert.Equal(t, "batch", pools[0].Name)
}

func TestLookRefusesAMissingClusterAMissingTagAndATakenName(t *testing.T) {
	f := newFixture(t)
	_, err := resize.Look(t.Context(), f.resizer.DigitalOcean, resize.Target{Cluster: "nosuch", Size: "s-4vcpu-8gb", Count: 1})
	assert.ErrorContains(t, err, `no Kubernetes cluster "nosuch"`)
	pools := f.pools()
	pools[0].Tags = nil
	f.setPools(pools...)
	assert.ErrorContains(t, f.run("s-4vcpu-8gb", 1, -1), defaultTag)
	pools[0].Tags = []string{defaultTag}
	f.setPools(append(pools, cloud.NodePool{ID: "x", Name: "default-s-4vcpu-8gb", Size: "c-2", Count: 1})...)
	assert.ErrorContains(t, f.run("s-4vcpu-8gb", 1, -1), `the name "default-s-4vcpu-8gb" is taken`)
}

func TestPlanTextListsStepsDurationAndCost(t *testing.T) {
	f := newFixture(t)
	plan, err := resize.Look(t.Context(), f.resizer.DigitalOcean, resize.Target{Cluster: "platform-prod", Size: "s-4vcpu-8gb", Count: 2})
	require.NoError(t, err)
	text, err := plan.Text()
	require.NoError(t, err)
	before, after := twoNodes(t, "s-2vcpu-4gb"), twoNodes(t, "s-4vcpu-8gb")
	assert.Equal(t, `platform-prod: from 2 × s-2vcpu-4gb (pool default) to 2 × s-4vcpu-8gb; the cluster stays
  1. add the pool default-s-4vcpu-8gb with 2 × s-4vcpu-8gb
  2. wait until the nodes of the new pool are Ready
  3. cordon the 2 nodes of the pool default, and drain them one by one within their disruption budgets
  4. move the tag terraform:default-node-pool to the new pool
  5. delete the pool default
  6. run `+"`pulumi up --refresh`"+`: it renames the new pool and replaces nothing
It takes about 13 minutes. An app with two or more replicas answers all the time. A Deployment with one replica pauses while its Pod moves.
`+fmt.Sprintf("DigitalOcean bills both pools while they exist: %[1]s an hour for the old nodes and %[2]s for the new ones, so about %[1]s extra. "+
		"Then the nodes cost %[4]s a month instead of %[3]s.\n", hourly(before), hourly(after), before, after), text)
}

// twoNodes returns the monthly price of two nodes of a size.
func twoNodes(t *testing.T, size string) budget.Cents {
	t.Helper()
	n, err := catalog.NodeBySize(size)
	require.NoError(t, err)
	return 2 * n.Unit
}

// hourly returns the price of an hour. DigitalOcean bills at most 672 hours a month.
func hourly(monthly budget.Cents) string {
	return fmt.Sprintf("$%.3f", math.Ceil(float64(monthly)*10/672)/1000)
}

func TestRunReturnsTheErrorOfItsContext(t *testing.T) {
	f := newFixture(t)
	assert.ErrorIs(t, f.run("s-4vcpu-8gb", 1, 8), context.Canceled)
}
