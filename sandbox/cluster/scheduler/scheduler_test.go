package scheduler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/profile"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

// These tests compare internal/sizing with the real kube-scheduler. Pods that fit according
// to a plan must be scheduled, in any order of their creation. Pods that do not fit must stay
// Pending.

// stack returns the settings of a stack in the checkout.
func stack(t *testing.T, name string) settings.Settings {
	t.Helper()
	data, err := os.ReadFile("../../../Pulumi." + name + ".yaml")
	require.NoError(t, err)
	s, err := settings.LoadStackFile(data)
	require.NoError(t, err)
	return s
}

// cluster is a number of nodes of one size, with DigitalOcean's own Pods.
type cluster struct {
	size  catalog.Node
	count int
}

// objects returns the nodes, each with DigitalOcean's DaemonSet Pods.
func (c cluster) objects() []runtime.Object {
	var out []runtime.Object
	for i := range c.count {
		name := fmt.Sprintf("node-%d", i)
		out = append(out, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/hostname": name}},
			Status: corev1.NodeStatus{
				Allocatable: corev1.ResourceList{
					"cpu": *resource.NewMilliQuantity(int64(c.size.AllocatableMilli), resource.DecimalSI), "memory": mebibytes(c.size.AllocatableMiB),
					"pods": *resource.NewQuantity(catalog.PodsPerNode, resource.DecimalSI),
				},
				Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
			},
		})
		for _, system := range catalog.SystemPods() {
			if system.PerNode {
				pod := newPod("kube-system", fmt.Sprintf("%s-%d", system.Name, i), components.Resources{MilliCPU: system.MilliCPU, MiB: system.MiB})
				pod.Spec.NodeName = name
				out = append(out, pod)
			}
		}
	}
	return out
}

func mebibytes(n int) resource.Quantity {
	return *resource.NewQuantity(int64(n)<<20, resource.BinarySI)
}

func newPod(namespace, name string, r components.Resources) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name)},
		Spec: corev1.PodSpec{
			SchedulerName: corev1.DefaultSchedulerName,
			Containers: []corev1.Container{{Name: "c", Image: "i", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": *resource.NewMilliQuantity(int64(r.MilliCPU), resource.DecimalSI), "memory": mebibytes(r.MiB)},
			}}},
		},
	}
}

// pods returns the Pods to create: DigitalOcean's Pods that run once in a cluster, those of
// the set, and the new Pods of a rolling update if surge is true.
func (c cluster) pods(set workload.Set, surge bool) (system, ours, fresh []*corev1.Pod) {
	for _, s := range catalog.SystemPods() {
		for i := range s.Replicas {
			system = append(system, newPod("kube-system", fmt.Sprintf("%s-%d", s.Name, i), components.Resources{MilliCPU: s.MilliCPU, MiB: s.MiB}))
		}
	}
	for w := range set.All() {
		switch w.Kind {
		case workload.DaemonSet:
			for i := range c.count {
				pod := newPod(w.Namespace, fmt.Sprintf("%s-%d", w.Name, i), w.Request)
				pod.Spec.NodeName = fmt.Sprintf("node-%d", i)
				ours = append(ours, pod)
			}
		default:
			ours = append(ours, revision(w, "old", w.Replicas)...)
			if surge {
				fresh = append(fresh, revision(w, "new", w.Surge)...)
			}
		}
	}
	return system, ours, fresh
}

// shuffledPods returns the Pods of pods: DigitalOcean's first, then the others in a random
// order, then the new ones in a random order.
func (c cluster) shuffledPods(r *rand.Rand, set workload.Set, surge bool) []*corev1.Pod {
	system, ours, fresh := c.pods(set, surge)
	return slices.Concat(system, shuffled(r, ours), shuffled(r, fresh))
}

// revision returns Pods of one revision of a workload, with the spread constraints that the
// platform sets.
func revision(w workload.Workload, hash string, count int) []*corev1.Pod {
	var out []*corev1.Pod
	for i := range count {
		pod := newPod(w.Namespace, strings.ToLower(fmt.Sprintf("%s-%s-%s-%d", w.Kind, w.Name, hash, i)), w.Request)
		pod.Labels = map[string]string{"app.kubernetes.io/name": w.Name, "pod-template-hash": hash}
		if w.Spread {
			honor := corev1.NodeInclusionPolicyHonor
			pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: corev1.ScheduleAnyway, NodeTaintsPolicy: &honor,
				LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels},
			}}
		}
		out = append(out, pod)
	}
	return out
}

// liveScheduler is a running scheduler with a fake API server.
type liveScheduler struct {
	client *fake.Clientset
	ctx    context.Context
}

// start runs the scheduler on a cluster until the context ends.
func start(ctx context.Context, t *testing.T, c cluster) liveScheduler {
	t.Helper()
	client := fake.NewClientset(c.objects()...)
	simulateBinding(client)
	factory := informers.NewSharedInformerFactory(client, 0)
	recorders := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	s, err := scheduler.New(ctx, client, factory, nil, profile.NewRecorderFactory(recorders),
		scheduler.WithPodInitialBackoffSeconds(1), scheduler.WithPodMaxBackoffSeconds(1))
	require.NoError(t, err)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	require.NoError(t, s.WaitForHandlersSync(ctx))
	go s.Run(ctx)
	return liveScheduler{client, ctx}
}

func (k liveScheduler) create(t *testing.T, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		_, err := k.client.CoreV1().Pods(pod.Namespace).Create(k.ctx, pod, metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

func (k liveScheduler) remove(t *testing.T, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		require.NoError(t, k.client.CoreV1().Pods(pod.Namespace).Delete(k.ctx, pod.Name, metav1.DeleteOptions{}))
	}
}

// schedule creates the Pods in their order on a new cluster, and returns the names of those
// that the scheduler could not place.
func schedule(t *testing.T, c cluster, pods []*corev1.Pod) []string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	k := start(ctx, t, c)
	k.create(t, pods...)
	return k.pending(t)
}

// simulateBinding makes the fake client set a Pod's node when the scheduler binds the Pod, as
// the API server does.
func simulateBinding(client *fake.Clientset) {
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		create, ok := action.(clienttesting.CreateAction)
		if !ok || action.GetSubresource() != "binding" {
			return false, nil, nil
		}
		binding := create.GetObject().(*corev1.Binding)
		resource := corev1.SchemeGroupVersion.WithResource("pods")
		object, err := client.Tracker().Get(resource, binding.Namespace, binding.Name)
		if err != nil {
			return true, nil, err
		}
		pod := object.(*corev1.Pod).DeepCopy()
		pod.Spec.NodeName = binding.Target.Name
		return true, binding, client.Tracker().Update(resource, pod, binding.Namespace)
	})
}

// pending waits until the scheduler has decided about every Pod, and returns the names of the
// Pods that it could not place.
func (k liveScheduler) pending(t *testing.T) []string {
	t.Helper()
	var waiting, refused []string
	require.Eventually(t, func() bool {
		waiting, refused = nil, nil
		list, err := k.client.CoreV1().Pods("").List(k.ctx, metav1.ListOptions{})
		if err != nil {
			return false
		}
		for _, pod := range list.Items {
			switch {
			case pod.Spec.NodeName != "":
			case slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Reason == corev1.PodReasonUnschedulable }):
				refused = append(refused, pod.Name)
			default:
				waiting = append(waiting, pod.Name)
			}
		}
		return len(waiting) == 0
	}, 30*time.Second, 20*time.Millisecond, "the scheduler has not decided about %v", &waiting)
	return refused
}

// shuffled returns the Pods in a random order.
func shuffled(r *rand.Rand, pods []*corev1.Pod) []*corev1.Pod {
	out := slices.Clone(pods)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// scenario is a state of the cluster in which all Pods must fit.
type scenario struct {
	cluster cluster
	surge   bool
}

// scenarios returns the scenarios of a plan, by name.
func scenarios(t *testing.T, s settings.Settings, p sizing.Plan) map[string]scenario {
	t.Helper()
	size, err := catalog.NodeBySize(p.Nodes.Size)
	require.NoError(t, err)
	out := map[string]scenario{
		"steady":         {cluster{size, p.Nodes.Count}, false},
		"rolling update": {cluster{size, p.Nodes.Count}, true},
	}
	if s.Capacity.SurviveNodeLoss {
		out["one node lost"] = scenario{cluster{size, p.Nodes.Count - 1}, false}
	}
	return out
}

func TestPodsThatFitAccordingToThePlanAreScheduledInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range []string{"demo", "prod"} {
		s := stack(t, name)
		p, err := sizing.Solve(s)
		require.NoError(t, err)
		for scenario, c := range scenarios(t, s, p) {
			for range 5 {
				refused := schedule(t, c.cluster, c.cluster.shuffledPods(r, p.Workload, c.surge))
				assert.Empty(t, refused, "%s, %s on %d × %s", name, scenario, c.cluster.count, p.Nodes.Size)
			}
		}
	}
}

func TestPodsThatDoNotFitAccordingToThePlanStayPending(t *testing.T) {
	for name, change := range map[string]func(*settings.Settings){
		"a node is too small": func(s *settings.Settings) { s.Nodes = settings.Nodes{Size: "s-2vcpu-2gb", Count: 1} },
		"replicas need too much memory": func(s *settings.Settings) {
			s.App.Memory, s.Nodes = "1200Mi", settings.Nodes{Size: "s-2vcpu-4gb", Count: 1}
		},
		"replicas need too much CPU": func(s *settings.Settings) { s.App.CPU, s.Nodes = "700m", settings.Nodes{Size: "s-2vcpu-4gb", Count: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			s := stack(t, "demo")
			change(&s)
			_, err := sizing.Solve(s)
			require.True(t, sizing.IsMisfit(err), "%v", err)
			size, err := catalog.NodeBySize(s.Nodes.Size)
			require.NoError(t, err)
			c := cluster{size, s.Nodes.Count}
			assert.NotEmpty(t, schedule(t, c, c.shuffledPods(rand.New(rand.NewPCG(1, 1)), workload.For(s), false)))
		})
	}
}

// randomWorkload returns a stack with random requests and a budget that allows any size.
func randomWorkload(t *testing.T, r *rand.Rand) (settings.Settings, workload.Set) {
	t.Helper()
	s := stack(t, []string{"demo", "prod"}[r.IntN(2)])
	s.Budget.MonthlyUSD = 1_000_000
	set := workload.For(s)
	set.App.Replicas = 1 + r.IntN(5)
	set.App.Spread = set.App.Replicas > 1
	set.App.Request = components.Resources{MilliCPU: 20 + r.IntN(600), MiB: 32 + r.IntN(1200)}
	set.App.Connections = 1
	set.Grafana.Request.MiB = 128 + r.IntN(900)
	return s, set
}

func TestRandomWorkloadsAreScheduledOnThePlannedNodes(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	planned := 0
	for range 60 {
		s, set := randomWorkload(t, r)
		p, err := sizing.SolveFor(s, set)
		if err != nil {
			continue
		}
		planned++
		for scenario, c := range scenarios(t, s, p) {
			refused := schedule(t, c.cluster, c.cluster.shuffledPods(r, set, c.surge))
			assert.Empty(t, refused, "%s on %d × %s: app %d × %v, grafana %v", scenario, c.cluster.count, p.Nodes.Size,
				set.App.Replicas, set.App.Request, set.Grafana.Request)
		}
	}
	assert.Greater(t, planned, 50, "workloads that have a plan")
}
