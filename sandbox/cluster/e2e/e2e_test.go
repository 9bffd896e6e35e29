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

// stage is a stack on a real API server.
type stage struct {
	enginetest.Stack
	client *kubernetes.Clientset
	etcd   *clientv3.Client
}

func newStage(t *testing.T, name string) stage {
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
	return stage{Stack: s, client: client, etcd: etcd}
}

func (s stage) pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := s.client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return list.Items
}

// settled waits until every Pod was placed and none is leaving.
func (s stage) settled(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, pod := range s.pods(t) {
			if pod.Status.Phase == corev1.PodPending || pod.DeletionTimestamp != nil {
				return false
			}
		}
		return true
	}, time.Minute, 200*time.Millisecond, "Pods that are not placed: %v", s.pending(t))
}

func (s stage) pending(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pod := range s.pods(t) {
		if pod.Status.Phase == corev1.PodPending {
			out = append(out, fmt.Sprintf("%s/%s: %v", pod.Namespace, pod.Name, pod.Status.Conditions))
		}
	}
	return out
}

// furnished waits until Kubernetes has put into its own namespaces what it puts
// into each: an account, and the certificate authority.
func (s stage) furnished(t *testing.T) {
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

// keys are all that etcd holds but for what Kubernetes itself writes as time goes.
func (s stage) keys(t *testing.T) []string {
	t.Helper()
	answer, err := s.etcd.Get(t.Context(), "/registry/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	require.NoError(t, err)
	var out []string
	for _, kv := range answer.Kvs {
		key := string(kv.Key)
		if !strings.HasPrefix(key, "/registry/events/") && !strings.HasPrefix(key, "/registry/masterleases/") {
			out = append(out, key)
		}
	}
	sort.Strings(out)
	return out
}

func (s stage) settings(t *testing.T) settings.Settings {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.Root, "Pulumi."+s.Name+".yaml"))
	require.NoError(t, err)
	declared, err := settings.LoadStackFile(data)
	require.NoError(t, err)
	return declared
}

func (s stage) plan(t *testing.T) sizing.Plan {
	t.Helper()
	plan, err := sizing.Solve(s.settings(t))
	require.NoError(t, err)
	return plan
}

func TestBothStacksLiveOnARealAPIServer(t *testing.T) {
	for _, name := range []string{"demo", "prod"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, name)
			s.furnished(t)
			before := s.keys(t)
			s.Up(t)
			s.settled(t)
			t.Run("what was read back is what was declared", func(t *testing.T) { s.Succeeds(t, "preview", "--refresh", "--expect-no-changes") })
			t.Run("a second up changes nothing", func(t *testing.T) { assert.Regexp(t, `Resources:\n    \d+ unchanged\n`, s.Up(t)) })
			t.Run("every Pod of ours was admitted as restricted", s.restricted)
			t.Run("who may talk to whom is what was reviewed", s.connections)
			t.Run("the chart takes every value", s.chart)
			t.Run("what the plan has room for is placed, and not a mebibyte more", s.room)
			t.Run("a node is drained", s.drain)
			t.Run("drift is found and healed", s.drift)
			t.Run("images do here what they are there for", s.images)
			t.Run("secrets of the app reach its Pods", s.appSecrets)
			t.Run("a new image rolls out", s.rollout)
			t.Run("a setting that is gone takes its objects along", s.shrink)
			s.Succeeds(t, "state", "unprotect", "--all", "--yes")
			s.Succeeds(t, "destroy", "--yes", "--skip-preview")
			if name == "demo" {
				// Its objects end with their cluster: a destroy does not visit them.
				assert.NoDirExists(t, filepath.Join(s.CloudFolder(), "kubernetes"))
				return
			}
			assert.Eventually(t, func() bool { return len(added(before, s.keys(t))) == 0 }, 30*time.Second, 500*time.Millisecond, "left in etcd")
			assert.Empty(t, added(before, s.keys(t)))
		})
	}
}

// restricted: Pod Security's strictest standard holds for every Pod of ours but
// the node exporter's, which reads the host.
func (s stage) restricted(t *testing.T) {
	enforced := map[string]string{}
	for _, pod := range s.pods(t) {
		namespace, err := s.client.CoreV1().Namespaces().Get(t.Context(), pod.Namespace, metav1.GetOptions{})
		require.NoError(t, err)
		enforced[pod.Namespace] = namespace.Labels["pod-security.kubernetes.io/enforce"]
	}
	assert.Equal(t, map[string]string{
		workload.AppNamespace: "restricted", workload.CertManagerNamespace: "restricted", workload.IngressNamespace: "restricted",
		workload.MonitoringNamespace: "restricted", workload.PoolerNamespace: "restricted", workload.TenantsNamespace: "restricted",
		workload.NodeMetricsNamespace: "privileged", "kube-system": "",
	}, enforced)
}

func added(before, after []string) []string {
	there := map[string]bool{}
	for _, key := range before {
		there[key] = true
	}
	var out []string
	for _, key := range after {
		if !there[key] {
			out = append(out, key)
		}
	}
	return out
}

// room: with one node the plan says to the mebibyte what is free.
func (s stage) room(t *testing.T) {
	plan := s.plan(t)
	if plan.Nodes.Count != 1 {
		// Where Pods land on several nodes is the scheduler's choice; a Pod as large as
		// a whole node fits on none of them.
		s.place(t, "whole", s.allocatable(t), false)
		return
	}
	// The plan counts a Job of the tenants and a scheduled run, which have ended.
	free := plan.Fit[0].Free().MiB + plan.Workload.Reconcile.Request.MiB + plan.Workload.Scheduled.Request.MiB
	s.place(t, "too-much", free+1, false)
	s.place(t, "just", free, true)
}

func (s stage) allocatable(t *testing.T) int {
	t.Helper()
	nodes, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	return int(nodes.Items[0].Status.Allocatable.Memory().Value() >> 20)
}

// place asks for memory, and holds what becomes of it against what was said.
func (s stage) place(t *testing.T, name string, mib int, fits bool) {
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

// drain evicts what a drain would, through the disruption budgets, and expects
// all of it on the other node; where there is one node alone, it expects it back
// when that is open again.
func (s stage) drain(t *testing.T) {
	nodes, err := s.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	node := nodes.Items[0]
	s.cordon(t, node.Name, true)
	for _, pod := range s.pods(t) {
		if pod.Spec.NodeName != node.Name || len(pod.OwnerReferences) == 0 || pod.OwnerReferences[0].Kind != "ReplicaSet" {
			continue
		}
		if len(nodes.Items) == 1 && pod.Namespace != "monitoring" {
			continue // an only node is not emptied: budgets would wait for ever
		}
		require.Eventually(t, func() bool {
			err := s.client.CoreV1().Pods(pod.Namespace).EvictV1(t.Context(), &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}})
			return err == nil
		}, time.Minute, 200*time.Millisecond, "%s/%s is not let go", pod.Namespace, pod.Name)
	}
	if len(nodes.Items) > 1 {
		s.settled(t)
	}
	s.cordon(t, node.Name, false)
	s.settled(t)
}

func (s stage) cordon(t *testing.T, name string, closed bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		node, err := s.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		require.NoError(t, err)
		node.Spec.Unschedulable = closed
		_, err = s.client.CoreV1().Nodes().Update(t.Context(), node, metav1.UpdateOptions{})
		return err == nil
	}, 10*time.Second, 100*time.Millisecond)
}

// drift: what was changed and deleted by hand is what it was after an update.
func (s stage) drift(t *testing.T) {
	deployments, services := s.client.AppsV1().Deployments(workload.AppNamespace), s.client.CoreV1().Services(workload.MonitoringNamespace)
	_, err := deployments.Patch(t.Context(), "app", types.MergePatchType, []byte(`{"spec":{"replicas":1}}`), metav1.PatchOptions{FieldManager: "by-hand"})
	require.NoError(t, err)
	require.NoError(t, services.Delete(t.Context(), "grafana", metav1.DeleteOptions{}))

	s.Fails(t, "preview", "--refresh", "--expect-no-changes")
	out := s.Succeeds(t, "up", "--yes", "--refresh", "--skip-preview")
	assert.Contains(t, out, "~ 1 updated")
	assert.Contains(t, out, "+ 1 created")
	healed, err := deployments.Get(t.Context(), "app", metav1.GetOptions{})
	require.NoError(t, err)
	assert.EqualValues(t, 2, *healed.Spec.Replicas)
	_, err = services.Get(t.Context(), "grafana", metav1.GetOptions{})
	require.NoError(t, err)
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}

func (s stage) rollout(t *testing.T) {
	const image = "ghcr.io/stefanprodan/podinfo:6.9.1"
	s.Edit(t, "    capacity:", "    app:\n      image: "+image+"\n    capacity:")
	assert.Contains(t, s.Up(t), "~ 2 updated", "the component, whose image it is, and its Deployment")
	s.settled(t)
	pods, err := s.client.CoreV1().Pods("app").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, pods.Items, 2)
	for _, pod := range pods.Items {
		assert.Equal(t, image, pod.Spec.Containers[0].Image)
	}
}

func (s stage) shrink(t *testing.T) {
	s.Edit(t, "    capacity:", "    archive: {volumeGiB: 1}\n    capacity:")
	s.Up(t)
	_, err := s.client.CoreV1().PersistentVolumeClaims("tenants").Get(t.Context(), "reconcile", metav1.GetOptions{})
	require.NoError(t, err)
	s.Edit(t, "    archive: {volumeGiB: 1}\n", "")
	s.Up(t)
	if s.Name == "prod" {
		// What holds data stays on a protected stack; its owner deletes it by hand.
		require.NoError(t, s.client.CoreV1().PersistentVolumeClaims("tenants").Delete(t.Context(), "reconcile", metav1.DeleteOptions{}))
	}
	assert.Eventually(t, func() bool {
		claims, err := s.client.CoreV1().PersistentVolumeClaims("tenants").List(context.Background(), metav1.ListOptions{})
		return err == nil && len(claims.Items) == 0
	}, 20*time.Second, 200*time.Millisecond)
}
