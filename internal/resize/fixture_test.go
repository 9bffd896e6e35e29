package resize_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	kubetesting "k8s.io/client-go/testing"

	"github.com/genericcorp/platform/internal/resize"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
)

const defaultTag = "terraform:default-node-pool"

var (
	nodeKind = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	podKind  = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
)

// fixture is an account with one cluster of two nodes. The nodes run two replicas of an app
// with a disruption budget, a DaemonSet, and a StatefulSet.
type fixture struct {
	t      *testing.T
	cloud  cloud.Cloud
	server *digitalocean.Server
	client *fake.Clientset
	// resizer has clients that count their calls. At the call stopAt they cancel the run.
	resizer resize.Resizer
	calls   int
	stopAt  int
	stop    context.CancelFunc
	// stopAfterCall is true if that call is made and only its answer is lost.
	stopAfterCall bool
	// evictions numbers the Pods that replace evicted ones.
	evictions int
	out       strings.Builder
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, cloud: cloud.At(t.TempDir()), client: fake.NewClientset(), stopAt: -1}
	f.server = &digitalocean.Server{Cloud: f.cloud, DropletLimit: 10}
	f.setPools(cloud.NodePool{ID: "old", Name: "default", Size: "s-2vcpu-4gb", Count: 2, Tags: []string{"platform", "prod", defaultTag}})
	f.client.PrependReactor("*", "*", f.react)
	server := httptest.NewServer(f.server.Handler())
	t.Cleanup(server.Close)
	client, err := godo.New(&http.Client{Transport: transport{f}}, godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	f.resizer = resize.Resizer{DigitalOcean: client, Kubernetes: f.client, Interval: 1, Timeout: 50, Out: &f.out}
	f.syncNodes()
	f.syncNodes()
	for i, node := range []string{"default-0", "default-1"} {
		f.addPod("kube-system", fmt.Sprintf("cilium-%d", i), node, "DaemonSet")
		f.addPod("app", fmt.Sprintf("app-%d", i), node, "ReplicaSet")
	}
	f.addPod("monitoring", "store-0", "default-0", "StatefulSet")
	budget := &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Namespace: "app", Name: "app"},
		Spec:       policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"namespace": "app"}}},
		Status:     policyv1.PodDisruptionBudgetStatus{CurrentHealthy: 1, DesiredHealthy: 1},
	}
	require.NoError(t, f.client.Tracker().Add(budget))
	require.NoError(t, f.client.Tracker().Add(daemonSet()))
	return f
}

// transport counts the requests to DigitalOcean.
type transport struct{ *fixture }

func (c transport) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer token")
	stopped := c.count()
	if stopped && !c.stopAfterCall {
		return nil, context.Canceled
	}
	response, err := http.DefaultTransport.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	if stopped && err == nil {
		return nil, response.Body.Close()
	}
	return response, err
}

// count reports whether the run is to stop at this call.
func (f *fixture) count() bool {
	f.calls++
	if f.calls-1 == f.stopAt {
		f.stop()
		return true
	}
	return false
}

// react simulates the API server, the scheduler and the kubelets. If it returns false, the
// client's tracker answers.
func (f *fixture) react(action kubetesting.Action) (bool, runtime.Object, error) {
	if stopped := f.count(); stopped && !f.stopAfterCall {
		return true, nil, context.Canceled
	}
	f.syncNodes()
	switch {
	case action.Matches("list", "pods"):
		list := f.pods(action.(kubetesting.ListAction).GetListRestrictions().Fields)
		return true, list, nil
	case action.GetSubresource() == "eviction":
		name := action.(kubetesting.CreateAction).GetObject().(*policyv1.Eviction).Name
		return true, nil, f.evict(action.GetNamespace(), name)
	}
	return false, nil, nil
}

// pods returns the Pods that match a field selector. The tracker ignores field selectors.
func (f *fixture) pods(selector fields.Selector) *corev1.PodList {
	object, err := f.client.Tracker().List(podKind, corev1.SchemeGroupVersion.WithKind("Pod"), "")
	require.NoError(f.t, err)
	list := object.(*corev1.PodList)
	out := &corev1.PodList{}
	for _, pod := range list.Items {
		if selector == nil || selector.Matches(fields.Set{"spec.nodeName": pod.Spec.NodeName}) {
			out.Items = append(out.Items, pod)
		}
	}
	return out
}

func (f *fixture) nodes() []corev1.Node {
	object, err := f.client.Tracker().List(nodeKind, corev1.SchemeGroupVersion.WithKind("Node"), "")
	require.NoError(f.t, err)
	return object.(*corev1.NodeList).Items
}

// evict replaces a Pod by one on a schedulable node. It keeps the app's disruption budget:
// it refuses if only one Pod of the app has a node.
func (f *fixture) evict(namespace, name string) error {
	placed := 0
	for _, pod := range f.pods(nil).Items {
		if pod.Namespace == "app" && pod.Spec.NodeName != "" {
			placed++
		}
	}
	if namespace == "app" && placed < 2 {
		return apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
	}
	f.evictions++
	require.NoError(f.t, f.client.Tracker().Delete(podKind, namespace, name))
	node := ""
	for _, n := range f.nodes() {
		if !n.Spec.Unschedulable {
			node = n.Name
		}
	}
	f.addPod(namespace, fmt.Sprintf("%s-again-%d", strings.Split(name, "-")[0], f.evictions), node, "ReplicaSet")
	return nil
}

func (f *fixture) addPod(namespace, name, node, owner string) {
	yes := true
	api := "apps/v1"
	phase := corev1.PodRunning
	if node == "" {
		phase = corev1.PodPending
	}
	require.NoError(f.t, f.client.Tracker().Add(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, Labels: map[string]string{"namespace": namespace},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: api, Kind: owner, Name: "owner", Controller: &yes}},
		},
		Spec: corev1.PodSpec{NodeName: node, Volumes: []corev1.Volume{{
			Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}},
		}}},
		Status: corev1.PodStatus{Phase: phase},
	}))
}

// syncNodes creates the Kubernetes nodes of the pools and deletes those of deleted pools.
// New nodes are Ready after the second call.
func (f *fixture) syncNodes() {
	orphans := map[string]bool{}
	for _, node := range f.nodes() {
		orphans[node.Name] = true
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
		require.NoError(f.t, f.client.Tracker().Update(nodeKind, &node, ""))
	}
	for _, pool := range f.pools() {
		for _, node := range pool.Nodes {
			if orphans[node.Name] {
				delete(orphans, node.Name)
			} else if node.State == cloud.NodeRunning {
				f.addNode(pool.ID, node.Name)
			}
		}
	}
	for name := range orphans {
		require.NoError(f.t, f.client.Tracker().Delete(nodeKind, "", name))
	}
}

func (f *fixture) addNode(pool, name string) {
	require.NoError(f.t, f.client.Tracker().Add(&corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"doks.digitalocean.com/node-pool-id": pool}},
	}))
}

func (f *fixture) pools() []cloud.NodePool {
	o, _, err := f.cloud.Get(cloud.TokenCluster, "c")
	require.NoError(f.t, err)
	pools, err := o.NodePools()
	require.NoError(f.t, err)
	return pools
}

// setPools stores pools with running nodes.
func (f *fixture) setPools(pools ...cloud.NodePool) {
	o := cloud.Object{Inputs: map[string]any{"name": "platform-prod"}, Computed: map[string]any{"status": "running"}}
	require.NoError(f.t, o.SetNodePools(pools, func() string { return "node" }))
	for i := range pools {
		for j := range pools[i].Nodes {
			pools[i].Nodes[j].State = cloud.NodeRunning
		}
	}
	require.NoError(f.t, o.SetNodePools(pools, nil))
	require.NoError(f.t, f.cloud.Put(cloud.TokenCluster, "c", o))
}

// run calls Look and Run for a target. It cancels them at the call stopAt; -1 means never.
func (f *fixture) run(size string, count, stopAt int) error {
	ctx, stop := context.WithCancel(f.t.Context())
	defer stop()
	f.calls, f.stopAt, f.stop = 0, stopAt, stop
	plan, err := resize.Look(ctx, f.resizer.DigitalOcean, resize.Target{Cluster: "platform-prod", Size: size, Count: count})
	if err != nil || !plan.Needed() {
		return err
	}
	return f.resizer.Run(ctx, plan)
}

// pod returns a Pod, or nil.
func (f *fixture) pod(namespace, name string) *corev1.Pod {
	for _, pod := range f.pods(nil).Items {
		if pod.Namespace == namespace && pod.Name == name {
			return &pod
		}
	}
	return nil
}
