package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/enginetest"
)

const checkout = "../../.."

// liveStack is a stack whose Kubernetes provider uses a real control plane with fake nodes.
type liveStack struct {
	enginetest.Stack
	client *kubernetes.Clientset
	etcd   *clientv3.Client
}

// newLiveStack builds the programs, starts a control plane for the stack, and stops it at the
// end of the test.
func newLiveStack(t *testing.T, name string) liveStack {
	t.Helper()
	checkout, err := filepath.Abs(checkout)
	require.NoError(t, err)
	tools, err := build.Engine(checkout, os.Stderr)
	require.NoError(t, err)
	cluster, err := build.Cluster(checkout, os.Stderr)
	require.NoError(t, err)
	s := enginetest.New(t, checkout, name, tools)
	t.Cleanup(func() { assert.NoError(t, s.StopCluster()) })
	require.NoError(t, s.StartCluster(cluster, os.Getpid(), os.Stderr))
	s.Stack = s.OnCluster(cluster)
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig())
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	url, err := os.ReadFile(filepath.Join(filepath.Dir(s.Kubeconfig()), "ready"))
	require.NoError(t, err)
	etcd, err := clientv3.New(clientv3.Config{Endpoints: []string{string(url)}, DialTimeout: 5 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, etcd.Close()) })
	return liveStack{Stack: s, client: client, etcd: etcd}
}

func (s liveStack) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return list.Items
}

// waitForPods waits until every Pod is scheduled and none is being deleted.
func (s liveStack) waitForPods(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, pod := range s.pods(t) {
			if pod.Status.Phase == corev1.PodPending || pod.DeletionTimestamp != nil {
				return false
			}
		}
		return true
	}, time.Minute, 200*time.Millisecond, "Pods that are not scheduled: %v", s.pending(t))
}

// pending returns the Pods that are not scheduled, with the reasons.
func (s liveStack) pending(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pod := range s.pods(t) {
		if pod.Status.Phase == corev1.PodPending {
			out = append(out, fmt.Sprintf("%s/%s: %v", pod.Namespace, pod.Name, pod.Status.Conditions))
		}
	}
	return out
}

// waitForDefaults waits until Kubernetes has created the objects that each namespace gets, in
// its own namespaces: a service account and the certificate authority.
func (s liveStack) waitForDefaults(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, namespace := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
			_, account := s.client.CoreV1().ServiceAccounts(namespace).Get(t.Context(), "default", metav1.GetOptions{})
			_, authority := s.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), "kube-root-ca.crt", metav1.GetOptions{})
			if account != nil || authority != nil {
				return false
			}
		}
		return true
	}, time.Minute, 100*time.Millisecond)
}

// etcdKeys returns the sorted keys of all objects in etcd, without those that Kubernetes
// writes all the time: events and leases of API servers.
func (s liveStack) etcdKeys(t *testing.T) []string {
	t.Helper()
	response, err := s.etcd.Get(t.Context(), "/registry/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	require.NoError(t, err)
	var out []string
	for _, kv := range response.Kvs {
		key := string(kv.Key)
		if !strings.HasPrefix(key, "/registry/events/") && !strings.HasPrefix(key, "/registry/masterleases/") {
			out = append(out, key)
		}
	}
	sort.Strings(out)
	return out
}

// settings returns the settings in the present stack file.
func (s liveStack) settings(t *testing.T) settings.Settings {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.Root, "Pulumi."+s.Name+".yaml"))
	require.NoError(t, err)
	declared, err := settings.LoadStackFile(data)
	require.NoError(t, err)
	return declared
}

// plan returns the sizing of the present stack file.
func (s liveStack) plan(t *testing.T) sizing.Plan {
	t.Helper()
	plan, err := sizing.Solve(s.settings(t))
	require.NoError(t, err)
	return plan
}

// The Makefile selects the subtest "who may talk to whom" by its name.
func TestBothStacksRunOnARealAPIServer(t *testing.T) {
	for _, name := range []string{"demo", "prod"} {
		t.Run(name, func(t *testing.T) {
			s := newLiveStack(t, name)
			s.waitForDefaults(t)
			before := s.etcdKeys(t)
			s.Up(t)
			s.waitForPods(t)
			t.Run("a refresh finds no drift", func(t *testing.T) { s.Succeeds(t, "preview", "--refresh", "--expect-no-changes") })
			t.Run("a second up changes nothing", func(t *testing.T) { assert.Regexp(t, `Resources:\n    \d+ unchanged\n`, s.Up(t)) })
			t.Run("namespaces enforce the restricted Pod Security standard", s.checkPodSecurity)
			t.Run("the golden file says who may talk to whom", s.checkConnections)
			t.Run("the chart has every value of the release", s.checkChart)
			t.Run("a node has the headroom of the plan and no mebibyte more", s.checkHeadroom)
			t.Run("a node can be drained", s.checkDrain)
			t.Run("drift is found and corrected", s.checkDrift)
			t.Run("the app's secrets reach its Pods", s.checkAppSecrets)
			t.Run("a new image rolls out", s.checkRollout)
			t.Run("a removed setting deletes its objects", s.checkRemovedSetting)
			t.Run("the API server refuses what is not on the bill", s.checkBudget)
			s.Succeeds(t, "state", "unprotect", "--all", "--yes")
			s.Succeeds(t, "destroy", "--yes", "--skip-preview")
			if name == "demo" {
				// A destroy of demo deletes the cluster and not each object in it.
				assert.NoDirExists(t, filepath.Join(s.CloudFolder(), "kubernetes"))
				return
			}
			assert.Eventually(t, func() bool { return len(addedKeys(before, s.etcdKeys(t))) == 0 }, 30*time.Second, 500*time.Millisecond, "destroy must leave no object in etcd")
			assert.Empty(t, addedKeys(before, s.etcdKeys(t)))
		})
	}
}

// addedKeys returns the keys in after that are not in before.
func addedKeys(before, after []string) []string {
	old := map[string]bool{}
	for _, key := range before {
		old[key] = true
	}
	var out []string
	for _, key := range after {
		if !old[key] {
			out = append(out, key)
		}
	}
	return out
}

// checkHeadroom checks that a Pod of the size of the plan's free memory fits on the node, and
// that one with 1 MiB more does not.
func (s liveStack) checkHeadroom(t *testing.T) {
	plan := s.plan(t)
	if plan.Nodes.Count != 1 {
		// With several nodes the free memory of each depends on the scheduler. A Pod of the
		// size of a node fits on none of them.
		s.checkPlacement(t, "whole", s.allocatable(t), false)
		return
	}
	// The plan counts a Job, a scheduled run of the tenants and a run that counts usage. They are
	// complete now.
	free := plan.Fit[0].Free().MiB + plan.Workload.Reconcile.Request.MiB + plan.Workload.Scheduled.Request.MiB + plan.Workload.Usage.Request.MiB
	s.checkPlacement(t, "too-much", free+1, false)
	s.checkPlacement(t, "just", free, true)
}

// allocatable returns the allocatable memory of the first node in MiB.
func (s liveStack) allocatable(t *testing.T) int {
	t.Helper()
	nodes, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return int(nodes.Items[0].Status.Allocatable.Memory().Value() >> 20)
}

// checkPlacement creates a Pod that requests memory, and checks whether it is scheduled.
func (s liveStack) checkPlacement(t *testing.T, name string, mib int, fits bool) {
	t.Helper()
	pods := s.client.CoreV1().Pods("default")
	_, err := pods.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"memory": *resource.NewQuantity(int64(mib)<<20, resource.BinarySI)},
		}}}},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		pod, err := pods.Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled {
				require.Equal(t, fits, c.Status == corev1.ConditionTrue, "%d MiB: %s", mib, c.Message)
				return true
			}
		}
		return false
	}, 30*time.Second, 100*time.Millisecond)
	now := int64(0)
	require.NoError(t, pods.Delete(t.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &now}))
}

// checkDrain evicts the Pods that a drain evicts, with regard to disruption budgets. They must
// be scheduled on another node. If there is only one node, they must be scheduled there after
// it is uncordoned.
func (s liveStack) checkDrain(t *testing.T) {
	nodes, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	node := nodes.Items[0]
	s.cordon(t, node.Name, true)
	evicted := 0
	for _, pod := range s.pods(t) {
		if pod.Spec.NodeName != node.Name || len(pod.OwnerReferences) == 0 || pod.OwnerReferences[0].Kind != "ReplicaSet" {
			continue
		}
		if len(nodes.Items) == 1 && pod.Namespace != "monitoring" {
			continue // on a single node the disruption budgets would wait forever
		}
		evicted++
		require.Eventually(t, func() bool {
			err := s.client.CoreV1().Pods(pod.Namespace).EvictV1(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}})
			return err == nil
		}, time.Minute, 200*time.Millisecond, "%s/%s cannot be evicted", pod.Namespace, pod.Name)
	}
	assert.Positive(t, evicted)
	if len(nodes.Items) > 1 {
		s.waitForPods(t)
	}
	s.cordon(t, node.Name, false)
	s.waitForPods(t)
}

// cordon sets whether a node is unschedulable.
func (s liveStack) cordon(t *testing.T, name string, unschedulable bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		node, err := s.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		node.Spec.Unschedulable = unschedulable
		_, err = s.client.CoreV1().Nodes().Update(t.Context(), node, metav1.UpdateOptions{})
		return err == nil
	}, 10*time.Second, 100*time.Millisecond)
}

// checkDrift checks that an update restores an object that was changed by hand and one that
// was deleted.
func (s liveStack) checkDrift(t *testing.T) {
	deployments, services := s.client.AppsV1().Deployments(workload.AppNamespace), s.client.CoreV1().Services(workload.MonitoringNamespace)
	_, err := deployments.Patch(t.Context(), "app", types.MergePatchType, []byte(`{"spec":{"replicas":1}}`), metav1.PatchOptions{FieldManager: "by-hand"})
	require.NoError(t, err)
	require.NoError(t, services.Delete(t.Context(), "grafana", metav1.DeleteOptions{}))

	s.Fails(t, "preview", "--refresh", "--expect-no-changes")
	out := s.Succeeds(t, "up", "--yes", "--refresh", "--skip-preview")
	assert.Contains(t, out, "~ 1 updated")
	assert.Contains(t, out, "+ 1 created")
	corrected, err := deployments.Get(t.Context(), "app", metav1.GetOptions{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, *corrected.Spec.Replicas)
	_, err = services.Get(t.Context(), "grafana", metav1.GetOptions{})
	require.NoError(t, err)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

// setAppImage adds the image to the stack file. That of demo has settings of the app already.
func (s liveStack) setAppImage(t *testing.T, image string) {
	t.Helper()
	before := "    capacity:"
	if s.Name == "demo" {
		before = "    app:\n"
	}
	s.Edit(t, before, "    app:\n      image: "+image+"\n"+strings.TrimPrefix(before, "    app:\n"))
}

func (s liveStack) checkRollout(t *testing.T) {
	const image = "ghcr.io/stefanprodan/podinfo:6.9.1"
	s.setAppImage(t, image)
	assert.Contains(t, s.Up(t), "~ 2 updated", "the app component and its Deployment")
	s.waitForPods(t)
	pods, err := s.client.CoreV1().Pods("app").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, pods.Items, 2)
	for _, pod := range pods.Items {
		assert.Equal(t, image, pod.Spec.Containers[0].Image)
	}
}

func (s liveStack) checkRemovedSetting(t *testing.T) {
	s.Edit(t, "    capacity:", "    archive: {volumeGiB: 1}\n    capacity:")
	s.Up(t)
	_, err := s.client.CoreV1().PersistentVolumeClaims("tenants").Get(t.Context(), "reconcile", metav1.GetOptions{})
	require.NoError(t, err)
	s.Edit(t, "    archive: {volumeGiB: 1}\n", "")
	s.Up(t)
	if s.Name == "prod" {
		// A protected stack keeps its data. The owner deletes it by hand.
		require.NoError(t, s.client.CoreV1().PersistentVolumeClaims("tenants").Delete(t.Context(), "reconcile", metav1.DeleteOptions{}))
	}
	assert.Eventually(t, func() bool {
		claims, err := s.client.CoreV1().PersistentVolumeClaims("tenants").List(context.Background(), metav1.ListOptions{})
		return err == nil && len(claims.Items) == 0
	}, 20*time.Second, 200*time.Millisecond)
}
