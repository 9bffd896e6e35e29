package sizing

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/components"
)

// canBlock tries every way to place Pods on nodes that have room for them, and reports whether
// one of them leaves no node with room for p. It is slow: nodes to the power of Pods.
func canBlock(nodes []resources, others []pod, p pod) bool {
	if len(others) == 0 {
		return !slices.ContainsFunc(nodes, func(free resources) bool { return hasRoom(free, p) })
	}
	for i, free := range nodes {
		if !hasRoom(free, others[0]) {
			continue
		}
		nodes[i] = less(free, others[0])
		blocked := canBlock(nodes, others[1:], p)
		nodes[i] = free
		if blocked {
			return true
		}
	}
	return false
}

func hasRoom(free resources, p pod) bool {
	for i, a := range p.resources() {
		if a > free[i] {
			return false
		}
	}
	return true
}

func less(free resources, p pod) resources {
	for i, a := range p.resources() {
		free[i] -= a
	}
	return free
}

// randomPods returns up to six Pods that need from one tenth to all of a node.
func randomPods(r *rand.Rand, room resources) []pod {
	var out []pod
	for range 2 + r.IntN(5) {
		out = append(out, pod{replicas: 1, volumes: r.IntN(2), request: components.Resources{
			MilliCPU: 1 + r.IntN(room[0]), MiB: 1 + r.IntN(room[1])}})
	}
	return out
}

func TestBlockedNodesIsNeverLessThanTheWorstOfAllPlacements(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	room := resources{20, 20, 4, 2}
	refused, accepted, tooStrict := 0, 0, 0
	for range 4000 {
		pods, count := randomPods(r, room), 1+r.IntN(3)
		p, others := pods[0], pods[1:]
		worst := canBlock(slices.Repeat([]resources{room}, count), others, p)
		fits := blockedNodes(pods, p, room) < count
		assert.False(t, fits && worst, "%d nodes with %v: others %v block all for %v", count, room, others, p)
		switch {
		case fits:
			accepted++
		case worst:
			refused++
		default:
			tooStrict++
		}
	}
	// An estimate that refuses everything would pass the test above.
	assert.Greater(t, accepted, 1000)
	assert.Greater(t, refused, 500)
	t.Logf("%d fit, %d do not, %d are refused although no placement blocks all nodes", accepted, refused, tooStrict)
}

func TestBlockedNodesCountsAPodThatTakesANodeForOneNode(t *testing.T) {
	room := resources{1000, 1000, 110, 7}
	small := pod{replicas: 1, request: components.Resources{MilliCPU: 10, MiB: 600}}
	large := pod{replicas: 3, request: components.Resources{MilliCPU: 10, MiB: 1000}}
	assert.Equal(t, 3, blockedNodes([]pod{large, small}, small, room), "not 3000/401")
}

func TestBlockedNodesDoesNotCountAPodForItsCPUAndAgainForItsMemory(t *testing.T) {
	room := resources{1000, 1000, 110, 7}
	p := pod{replicas: 1, request: components.Resources{MilliCPU: 501, MiB: 501}}
	other := pod{replicas: 1, request: components.Resources{MilliCPU: 500, MiB: 500}}
	assert.Equal(t, 1, blockedNodes([]pod{p, other}, p, room))
}

func TestBlockedNodesCountsPodsAndVolumes(t *testing.T) {
	tiny := pod{replicas: 8, request: components.Resources{MilliCPU: 1, MiB: 1}}
	assert.Equal(t, 1, blockedNodes([]pod{tiny}, tiny, resources{1000, 1000, 7, 7}), "a node takes 7 Pods")
	disk := pod{replicas: 8, volumes: 1, request: components.Resources{MilliCPU: 1, MiB: 1}}
	assert.Equal(t, 1, blockedNodes([]pod{disk}, disk, resources{1000, 1000, 110, 7}), "a node takes 7 volumes")
}

func TestBlockedNodesCountsEachResourceForItself(t *testing.T) {
	room := resources{1000, 1000, 110, 7}
	p := pod{replicas: 1, request: components.Resources{MilliCPU: 101, MiB: 101}}
	cpu := pod{replicas: 1, request: components.Resources{MilliCPU: 890}}
	memory := pod{replicas: 1, request: components.Resources{MiB: 890}}
	assert.Equal(t, 0, blockedNodes([]pod{p, cpu, memory}, p, room), "neither blocks a node, and together they use no resource up")
}
