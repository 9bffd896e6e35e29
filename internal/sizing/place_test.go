package sizing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

// pinned returns the plan of a workload on a number of nodes of a size. Nothing but that workload
// runs there, beside DigitalOcean's own Pods.
func pinned(t *testing.T, size string, count int, set workload.Set) (sizing.Plan, error) {
	t.Helper()
	s := stack(t, "demo")
	s.Nodes = settings.Nodes{Size: size, Count: count}
	s.Budget.MonthlyUSD = 1000_00
	return sizing.SolveFor(s, set)
}

// app returns a Deployment of small Pods.
func app(pods components.Pods) workload.Set {
	pods.Request = components.Resources{MilliCPU: 1, MiB: 1}
	return workload.Set{App: workload.Workload{Ref: workload.App, Kind: workload.Deployment, Pods: pods}}
}

// system returns what DigitalOcean's own Pods request, and how many there are on one node.
func system() (each components.Resources, pods int) {
	for _, p := range catalog.SystemPods() {
		if p.PerNode {
			each = each.Plus(components.Resources{MilliCPU: p.MilliCPU, MiB: p.MiB})
		}
		pods += max(1, p.Replicas)
	}
	return each, pods
}

func TestSolveCountsADaemonSetOnEachNode(t *testing.T) {
	const nodes = 3
	request := components.Resources{MilliCPU: 100, MiB: 500}
	set := workload.Set{NodeExporter: workload.Workload{Ref: workload.NodeExporter, Kind: workload.DaemonSet, Pods: components.Pods{Request: request}}}
	p, err := pinned(t, "s-2vcpu-4gb", nodes, set)
	require.NoError(t, err)
	without, err := pinned(t, "s-2vcpu-4gb", nodes, workload.Set{})
	require.NoError(t, err)
	for i, scenario := range p.Fit {
		assert.Equal(t, nodes*request.MiB, scenario.RequestedMiB, scenario.Name)
		for n, node := range scenario.Nodes {
			free := without.Fit[i].Nodes[n].Free
			assert.Equal(t, free.Plus(components.Resources{MilliCPU: -request.MilliCPU, MiB: -request.MiB}), node.Free, "%s: node %d", scenario.Name, n)
		}
	}
	set.NodeExporter.Request.MiB = 2560/nodes + 1
	_, err = pinned(t, "s-2vcpu-4gb", nodes, set)
	require.NoError(t, err, "each node has a documented maximum of 2560 MiB")
	set.NodeExporter.Request.MiB = 2561
	_, err = pinned(t, "s-2vcpu-4gb", nodes, set)
	require.ErrorContains(t, err, "our Pods request 7683 MiB, and DigitalOcean documents at most 7680 MiB")
}

func TestSolveLeavesNoNodeWithMoreThan110Pods(t *testing.T) {
	_, own := system()
	p, err := pinned(t, "s-8vcpu-16gb", 1, app(components.Pods{Replicas: 110 - own}))
	require.NoError(t, err)
	assert.Equal(t, 110, p.Fit[0].Nodes[0].Pods)
	_, err = pinned(t, "s-8vcpu-16gb", 1, app(components.Pods{Replicas: 110 - own + 1}))
	require.ErrorContains(t, err, "steady: app requests")
	_, err = pinned(t, "s-8vcpu-16gb", 1, app(components.Pods{Replicas: 110 - own, Surge: 1}))
	require.ErrorContains(t, err, "rolling update: app requests")
}

func TestSolveAttachesAtMost15VolumesToANode(t *testing.T) {
	_, err := pinned(t, "s-8vcpu-16gb", 1, app(components.Pods{Replicas: 15, VolumeGiB: 1}))
	require.NoError(t, err)
	_, err = pinned(t, "s-8vcpu-16gb", 1, app(components.Pods{Replicas: 16, VolumeGiB: 1}))
	require.ErrorContains(t, err, "steady: app requests")
}

func TestSolveKeepsAPodsRequestFreeWhenANodeIsGone(t *testing.T) {
	// Each of two nodes holds one such Pod, and none holds two.
	set := app(components.Pods{Replicas: 2})
	set.App.Request = components.Resources{MilliCPU: 600, MiB: 1}
	s := stack(t, "demo")
	s.Nodes, s.Budget.MonthlyUSD = settings.Nodes{Size: "s-2vcpu-4gb", Count: 2}, 1000_00
	_, err := sizing.SolveFor(s, set)
	require.NoError(t, err)
	s.Capacity.SurviveNodeLoss = true
	_, err = sizing.SolveFor(s, set)
	require.ErrorContains(t, err, "one node gone: app requests")
}

// Placed first, the large Pod has a node of its own, and the small ones share the other. The
// scheduler may take the small ones first, and put one on each node.
func TestSolveRefusesAPlanThatFitsInOneOrderOnly(t *testing.T) {
	set := app(components.Pods{Replicas: 2})
	set.App.Request.MilliCPU = 400
	set.Grafana = workload.Workload{Ref: workload.Grafana, Kind: workload.Deployment, Pods: components.Pods{
		Replicas: 1, Request: components.Resources{MilliCPU: 700, MiB: 100},
	}}
	_, err := pinned(t, "s-2vcpu-4gb", 2, set)
	require.ErrorContains(t, err, "steady: grafana requests 700m CPU and 100Mi of memory; it is possible that other Pods leave that on none of 2 × s-2vcpu-4gb")
	set.App.Request.MilliCPU = 300
	_, err = pinned(t, "s-2vcpu-4gb", 2, set)
	require.NoError(t, err, "two small Pods on different nodes leave 798m of CPU on one of them")
}

func TestSolveRefusesOneGiBMoreThanTheNodesInclude(t *testing.T) {
	_, err := pinned(t, "s-2vcpu-4gb", 2, workload.Set{TransferGiB: 8000})
	require.NoError(t, err)
	_, err = pinned(t, "s-2vcpu-4gb", 2, workload.Set{TransferGiB: 8001})
	require.ErrorContains(t, err, "the app sends up to 8001 GiB, and the price of 2 × s-2vcpu-4gb includes 8000 GiB")
}
