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

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
)

// These tests hold the model of internal/sizing against the kube-scheduler
// itself: what the plan says fits must be scheduled, in whatever order the Pods
// come; what it says does not fit must stay Pending.

func stack(t *testing.T, name string) settings.Settings {
	t.Helper()
	data, err := os.ReadFile("../../../Pulumi." + name + ".yaml")
	require.NoError(t, err)
	s, err := settings.LoadStackFile(data)
	require.NoError(t, err)
	return s
}

// cluster is nodes of one size, with DigitalOcean's own Pods on them.
type cluster struct {
	size  catalog.Node
	count int
}

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
				pod := newPod("kube-system", fmt.Sprintf("%s-%d", system.Name, i), workload.Resources{MilliCPU: system.MilliCPU, MiB: system.MiB})
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

func newPod(namespace, name string, r workload.Resources) *corev1.Pod {
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

// pods are those that the scheduler has to place: DigitalOcean's once a cluster,
// then ours, then the new ones of a rolling update if there is one.
func (c cluster) pods(set workload.Set, surge bool) (system, ours, fresh []*corev1.Pod) {
	for _, s := range catalog.SystemPods() {
		for i := range s.Replicas {
			system = append(system, newPod("kube-system", fmt.Sprintf("%s-%d", s.Name, i), workload.Resources{MilliCPU: s.MilliCPU, MiB: s.MiB}))
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

// arriving are all Pods in an order in which they may come.
func (c cluster) arriving(r *rand.Rand, set workload.Set, surge bool) []*corev1.Pod {
	system, ours, fresh := c.pods(set, surge)
	return slices.Concat(system, shuffled(r, ours), shuffled(r, fresh))
}

// revision are Pods of one revision of a Deployment, spread as the platform
// spreads them.
func revision(w workload.Workload, hash string, count int) []*corev1.Pod {
	var out []*corev1.Pod
	for i := range count {
		pod := newPod(w.Namespace, strings.ToLower(fmt.Sprintf("%s-%s-%s-%d", w.Kind, w.Name, hash, i)), w.Request)
		pod.Labels = map[string]string{"app.kubernetes.io/name": w.Name, "pod-template-hash": hash}
		if w.Spread {
			honor := corev1.NodeInclusionPolicyHonor
			pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: "kubernetes.io/hostname", WhenUnsatisfiable: corev1.DoNotSchedule, NodeTaintsPolicy: &honor,
				LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels},
			}}
		}
		out = append(out, pod)
	}
	return out
}

// running is a scheduler at work.
type running struct {
	client *fake.Clientset
	ctx    context.Context
}

// start runs the scheduler on a cluster until the context ends.
func start(ctx context.Context, t *testing.T, c cluster) running {
	t.Helper()
	client := fake.NewClientset(c.objects()...)
	bind(client)
	factory := informers.NewSharedInformerFactory(client, 0)
	recorders := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	s, err := scheduler.New(ctx, client, factory, nil, profile.NewRecorderFactory(recorders),
		scheduler.WithPodInitialBackoffSeconds(1), scheduler.WithPodMaxBackoffSeconds(1))
	require.NoError(t, err)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	require.NoError(t, s.WaitForHandlersSync(ctx))
	go s.Run(ctx)
	return running{client, ctx}
}

func (k running) create(t *testing.T, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		_, err := k.client.CoreV1().Pods(pod.Namespace).Create(k.ctx, pod, metav1.CreateOptions{})
		require.NoError(t, err)
	}
}

func (k running) remove(t *testing.T, pods ...*corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		require.NoError(t, k.client.CoreV1().Pods(pod.Namespace).Delete(k.ctx, pod.Name, metav1.DeleteOptions{}))
	}
}

// schedule runs the scheduler over the Pods in their order and returns those that
// it could not place.
func schedule(t *testing.T, c cluster, pods []*corev1.Pod) []string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	k := start(ctx, t, c)
	k.create(t, pods...)
	return k.pending(t)
}

// bind makes the client without a server do what the API server does when a Pod
// is bound to a node.
func bind(client *fake.Clientset) {
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

// pending waits until every Pod has a node or was refused one, and names those
// that were refused.
func (k running) pending(t *testing.T) []string {
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
	}, 30*time.Second, 20*time.Millisecond, "never decided: %v", &waiting)
	return refused
}

// shuffled is one order in which Pods may come.
func shuffled(r *rand.Rand, pods []*corev1.Pod) []*corev1.Pod {
	out := slices.Clone(pods)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// scenario is a state that a plan has to bear.
type scenario struct {
	cluster cluster
	surge   bool
}

func scenarios(t *testing.T, s settings.Settings, p sizing.Plan) map[string]scenario {
	t.Helper()
	size, err := catalog.NodeBySize(p.Nodes.Size)
	require.NoError(t, err)
	out := map[string]scenario{
		"steady":         {cluster{size, p.Nodes.Count}, false},
		"rolling update": {cluster{size, p.Nodes.Count}, true},
	}
	if s.Capacity.SurviveNodeLoss {
		out["one node gone"] = scenario{cluster{size, p.Nodes.Count - 1}, false}
	}
	return out
}

func TestWhatThePlanSaysFitsIsScheduledInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range []string{"demo", "prod"} {
		s := stack(t, name)
		p, err := sizing.Solve(s)
		require.NoError(t, err)
		for scenario, c := range scenarios(t, s, p) {
			for range 5 {
				refused := schedule(t, c.cluster, c.cluster.arriving(r, p.Workload, c.surge))
				assert.Empty(t, refused, "%s, %s on %d × %s", name, scenario, c.cluster.count, p.Nodes.Size)
			}
		}
	}
}

func TestWhatThePlanSaysDoesNotFitStaysPending(t *testing.T) {
	for name, change := range map[string]func(*settings.Settings){
		"a node too small": func(s *settings.Settings) { s.Nodes = settings.Nodes{Size: "s-2vcpu-2gb", Count: 1} },
		"replicas too large": func(s *settings.Settings) {
			s.App.Memory, s.Nodes = "1200Mi", settings.Nodes{Size: "s-2vcpu-4gb", Count: 1}
		},
		"replicas too hungry": func(s *settings.Settings) { s.App.CPU, s.Nodes = "700m", settings.Nodes{Size: "s-2vcpu-4gb", Count: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			s := stack(t, "demo")
			change(&s)
			_, err := sizing.Solve(s)
			require.True(t, sizing.IsMisfit(err), "%v", err)
			size, err := catalog.NodeBySize(s.Nodes.Size)
			require.NoError(t, err)
			c := cluster{size, s.Nodes.Count}
			assert.NotEmpty(t, schedule(t, c, c.arriving(rand.New(rand.NewPCG(1, 1)), workload.For(s), false)))
		})
	}
}

// randomWorkload is a stack of random demands, whatever it costs.
func randomWorkload(t *testing.T, r *rand.Rand) (settings.Settings, workload.Set) {
	t.Helper()
	s := stack(t, []string{"demo", "prod"}[r.IntN(2)])
	s.Budget.MonthlyUSD = 1_000_000
	set := workload.For(s)
	set.App.Replicas = 1 + r.IntN(5)
	set.App.Spread = set.App.Replicas > 1
	set.App.Request = workload.Resources{MilliCPU: 20 + r.IntN(600), MiB: 32 + r.IntN(1200)}
	set.App.Connections = 1
	set.Grafana.Request.MiB = 128 + r.IntN(900)
	return s, set
}

// Random workloads of every size: the plan's pool must do.
func TestRandomWorkloadsFitWhereThePlanPutsThem(t *testing.T) {
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
			refused := schedule(t, c.cluster, c.cluster.arriving(r, set, c.surge))
			assert.Empty(t, refused, "%s on %d × %s: app %d × %v, grafana %v", scenario, c.cluster.count, p.Nodes.Size,
				set.App.Replicas, set.App.Request, set.Grafana.Request)
		}
	}
	assert.Greater(t, planned, 50)
}
