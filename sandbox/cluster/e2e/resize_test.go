package e2e_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/genericcorp/platform/internal/resize"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

// More users need bigger nodes. The resize is interrupted at its first eviction of a Pod of
// the app, and run again.
func TestResizeMovesEveryPodToBiggerNodesAndKeepsTheCluster(t *testing.T) {
	s := newLiveStack(t, "demo")
	s.Up(t)
	s.waitForPods(t)
	cluster, old := s.cluster(t), s.placement(t)
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 400")
	size := s.plan(t).Nodes.Size
	require.NotEqual(t, cluster.size, size)

	minReady := s.countReady(t)
	assert.ErrorIs(t, s.resize(t, "  evicted app/"), context.Canceled)
	require.NoError(t, s.resize(t, ""))
	s.waitForPods(t)
	assert.GreaterOrEqual(t, minReady(), 1, "the disruption budget must keep one of two replicas")

	moved := s.placement(t)
	assert.Len(t, moved, 2)
	for name, node := range moved {
		assert.NotContains(t, old, name, "each Pod must be a new one")
		assert.Equal(t, "default-"+size+"-0", node)
	}
	nodes, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, nodes.Items, 1, "the old node must be deleted")
	assert.False(t, nodes.Items[0].Spec.Unschedulable)

	out := s.Succeeds(t, "up", "--yes", "--refresh", "--skip-preview")
	enginetest.ReplacesOnlyJobs(t, out)
	assert.Equal(t, clusterFacts{id: cluster.id, size: size, pool: "default"}, s.cluster(t), "the cluster must be the same, with a pool of the new size and the declared name")
	s.waitForPods(t)
	assert.Len(t, s.placement(t), 4, "400 users need four replicas")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

// clusterFacts are the ID of the cluster, and the size and name of its declared node pool.
type clusterFacts struct{ id, size, pool string }

func (s liveStack) cluster(t *testing.T) clusterFacts {
	t.Helper()
	c := cloud.At(s.CloudFolder())
	ids, err := c.IDs(cloud.TokenCluster)
	require.NoError(t, err)
	require.Len(t, ids, 1)
	o, _, err := c.Get(cloud.TokenCluster, ids[0])
	require.NoError(t, err)
	pool := o.Inputs["nodePool"].(map[string]any)
	return clusterFacts{id: ids[0], size: pool["size"].(string), pool: pool["name"].(string)}
}

// placement returns the nodes of the app's Pods, by the Pods' names.
func (s liveStack) placement(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pod := range s.pods(t) {
		if pod.Namespace == workload.AppNamespace {
			out[pod.Name] = pod.Spec.NodeName
		}
	}
	return out
}

// countReady watches the app's Pods. It returns a function that stops watching and returns
// the smallest number of Pods that were ready at the same time.
func (s liveStack) countReady(t *testing.T) func() int {
	t.Helper()
	pods := s.client.CoreV1().Pods(workload.AppNamespace)
	list, err := pods.List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	ready := map[string]bool{}
	for i := range list.Items {
		ready[list.Items[i].Name] = isReady(&list.Items[i])
	}
	events, err := pods.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	require.NoError(t, err)
	minimum, ended := len(list.Items), make(chan struct{})
	go func() {
		defer close(ended)
		for event := range events.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			ready[pod.Name] = event.Type != watch.Deleted && isReady(pod)
			count := 0
			for _, r := range ready {
				if r {
					count++
				}
			}
			minimum = min(minimum, count)
		}
	}()
	return func() int {
		events.Stop()
		<-ended
		return minimum
	}
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}

// resize does what `ops resize` does. It is interrupted when it prints a line that starts with
// interruptAt; "" interrupts never.
func (s liveStack) resize(t *testing.T, interruptAt string) error {
	t.Helper()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	server := httptest.NewServer((&digitalocean.Server{Cloud: cloud.At(s.CloudFolder()), Kubeconfig: s.Kubeconfig(), DropletLimit: 10}).Handler())
	defer server.Close()
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})
	client, err := godo.New(oauth2.NewClient(ctx, source), godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	nodes := s.plan(t).Nodes
	plan, err := resize.Look(ctx, client, resize.Target{Cluster: "platform-" + s.Name, Size: nodes.Size, Count: nodes.Count})
	require.NoError(t, err)
	require.True(t, plan.Needed())
	kubernetes, err := resize.Connect(ctx, client, plan.Cluster.ID)
	require.NoError(t, err)
	out := &interruptingLog{t: t, at: interruptAt, interrupt: interrupt}
	return resize.Resizer{
		DigitalOcean: client, Kubernetes: kubernetes, Interval: 200 * time.Millisecond, Timeout: 2 * time.Minute, Out: out,
	}.Run(ctx, plan)
}

// interruptingLog logs each line to the test. It calls interrupt at a line that starts with
// at.
type interruptingLog struct {
	t         *testing.T
	at        string
	interrupt func()
	mu        sync.Mutex
}

func (l *interruptingLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.t.Log(strings.TrimSuffix(string(line), "\n"))
	if l.at != "" && strings.HasPrefix(string(line), l.at) {
		l.interrupt()
	}
	return len(line), nil
}
