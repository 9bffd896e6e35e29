package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// trial creates an object without keeping it.
var trial = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

// checkBudget checks that the API server admits what the plan counts, and that it refuses
// everything else that costs money, in every namespace, with the reason.
func (s liveStack) checkBudget(t *testing.T) {
	t.Run("all Deployments roll out at the same time", s.checkRestart)
	t.Run("each CronJob runs beside the others", s.checkScheduled)
	t.Run("no more load balancers and open ports", s.checkLoadBalancers)
	t.Run("no more volumes", s.checkVolumes)
	t.Run("no more Pods than the nodes have room for", s.checkRequests)
	t.Run("other namespaces work", s.checkOtherNamespaces)
	t.Run("a stack from before the quotas gets them", s.checkUpgrade)
	t.Run("a smaller app replaces a larger one", s.checkSmallerApp)
}

// checkRestart restarts all Deployments and the DaemonSet, as `kubectl rollout restart` does.
func (s liveStack) checkRestart(t *testing.T) {
	patch := []byte(`{"spec":{"template":{"metadata":{"annotations":{"restarted":"now"}}}}}`)
	restarted := 0
	for _, namespace := range workload.Namespaces() {
		list, err := s.client.AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		for _, d := range list.Items {
			_, err := s.client.AppsV1().Deployments(namespace).Patch(t.Context(), d.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			require.NoError(t, err)
			restarted++
		}
	}
	_, err := s.client.AppsV1().DaemonSets(workload.NodeMetricsNamespace).Patch(t.Context(), workload.NodeExporter.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	require.NoError(t, err)
	assert.Greater(t, restarted, 8)
	require.Eventually(t, func() bool {
		for _, namespace := range workload.Namespaces() {
			list, err := s.client.AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			for _, d := range list.Items {
				if d.Status.ObservedGeneration < d.Generation || d.Status.UpdatedReplicas < *d.Spec.Replicas || d.Status.AvailableReplicas < *d.Spec.Replicas {
					return false
				}
			}
		}
		return true
	}, 90*time.Second, 300*time.Millisecond, "%v", s.events(t))
	s.waitForPods(t)
	assert.Empty(t, s.events(t), "Pods that a quota refused")
}

// events returns the events of Pods that a quota or a policy refused.
func (s liveStack) events(t *testing.T) []string {
	t.Helper()
	list, err := s.client.CoreV1().Events("").List(t.Context(), metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
	require.NoError(t, err)
	var out []string
	for _, e := range list.Items {
		if strings.Contains(e.Message, "exceeded quota") || strings.Contains(e.Message, "must specify") {
			out = append(out, e.Namespace+": "+e.Message)
		}
	}
	return out
}

// checkScheduled runs all CronJobs at once, by hand, as `kubectl create job --from` does.
func (s liveStack) checkScheduled(t *testing.T) {
	jobs := s.client.BatchV1().Jobs(workload.TenantsNamespace)
	list, err := s.client.BatchV1().CronJobs(workload.TenantsNamespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, list.Items, 2)
	for _, c := range list.Items {
		_, err := jobs.Create(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "by-hand-" + c.Name}, Spec: c.Spec.JobTemplate.Spec}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	foreground := metav1.DeletePropagationForeground
	for _, c := range list.Items {
		require.Eventually(t, func() bool {
			job, err := jobs.Get(t.Context(), "by-hand-"+c.Name, metav1.GetOptions{})
			require.NoError(t, err)
			return job.Status.Active+job.Status.Succeeded > 0
		}, 30*time.Second, 200*time.Millisecond, "%v", s.events(t))
		require.NoError(t, jobs.Delete(t.Context(), "by-hand-"+c.Name, metav1.DeleteOptions{PropagationPolicy: &foreground}))
	}
}

func balancer(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{
			catalog.BalancerAnnotations + "type": catalog.BalancerType, catalog.BalancerAnnotations + "size-unit": "1",
		}},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func (s liveStack) checkLoadBalancers(t *testing.T) {
	for _, namespace := range append(workload.Namespaces(), "default", "kube-system") {
		_, err := s.client.CoreV1().Services(namespace).Create(t.Context(), balancer("more"), trial)
		require.ErrorContains(t, err, "budget", namespace)
		open := balancer("open")
		open.Spec.Type = corev1.ServiceTypeNodePort
		_, err = s.client.CoreV1().Services(namespace).Create(t.Context(), open, trial)
		if namespace == "default" || namespace == "kube-system" {
			require.NoError(t, err, "a port of %s costs nothing", namespace)
			continue
		}
		require.ErrorContains(t, err, "exceeded quota: budget, requested: services.nodeports=1", namespace)
	}
	services := s.client.CoreV1().Services(workload.IngressNamespace)
	change := func(annotation, value string) error {
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, annotation, value)
		_, err := services.Patch(t.Context(), workload.Traefik.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{DryRun: trial.DryRun})
		return err
	}
	for annotation, value := range map[string]string{
		catalog.BalancerAnnotations + "size-unit": "2", catalog.BalancerAnnotations + "size-slug": "lb-large",
		catalog.BalancerAnnotations + "type": catalog.NetworkBalancerType, "service.kubernetes.io/do-loadbalancer-disown": "true",
	} {
		require.ErrorContains(t, change(annotation, value), "the budget refuses this load balancer", annotation)
	}
	require.NoError(t, change("kubernetes.digitalocean.com/load-balancer-id", "x"), "DigitalOcean's controller sets it")
	require.NoError(t, change(catalog.BalancerAnnotations+"algorithm", "round_robin"))
}

func claimOf(gib int, class string) *corev1.PersistentVolumeClaim {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "more"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{"storage": *resource.NewQuantity(int64(gib)<<30, resource.BinarySI)}},
	}}
	if class != "" {
		claim.Spec.StorageClassName = &class
	}
	return claim
}

func (s liveStack) checkVolumes(t *testing.T) {
	for _, namespace := range append(workload.Namespaces(), "default", "kube-system") {
		want := "the budget has no volume in this namespace"
		if namespace == workload.MonitoringNamespace {
			want = "exceeded quota: budget, requested: persistentvolumeclaims=1,requests.storage=1Gi"
		}
		_, err := s.client.CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), claimOf(1, catalog.StorageClass), trial)
		require.ErrorContains(t, err, want, namespace)
	}
	_, err := s.client.CoreV1().PersistentVolumeClaims(workload.MonitoringNamespace).Create(t.Context(), claimOf(1, "premium"), trial)
	require.ErrorContains(t, err, "the budget has the price of these storage classes only", "another class")
	claims := s.client.CoreV1().PersistentVolumeClaims(workload.MonitoringNamespace)
	grown := []byte(`{"spec":{"resources":{"requests":{"storage":"500Gi"}}}}`)
	_, err = claims.Patch(t.Context(), workload.VictoriaMetrics.Name, types.MergePatchType, grown, metav1.PatchOptions{DryRun: trial.DryRun})
	require.Error(t, err, "a larger claim")
	labelled := []byte(`{"metadata":{"labels":{"a":"b"}}}`)
	_, err = claims.Patch(t.Context(), workload.VictoriaMetrics.Name, types.MergePatchType, labelled, metav1.PatchOptions{DryRun: trial.DryRun})
	require.NoError(t, err, "controllers update claims")
}

// requesting returns a Pod that namespaces with the standard "restricted" admit.
func requesting(milli, mib int64) *corev1.Pod {
	no, yes, user := false, true, int64(1000)
	requests := corev1.ResourceList{}
	if mib > 0 {
		requests["cpu"], requests["memory"] = *resource.NewMilliQuantity(milli, resource.DecimalSI), *resource.NewQuantity(mib<<20, resource.BinarySI)
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "more"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c", Image: "i", Resources: corev1.ResourceRequirements{Requests: requests},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: &no, RunAsNonRoot: &yes, RunAsUser: &user, Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}}}}
}

func (s liveStack) checkRequests(t *testing.T) {
	for namespace, q := range s.plan(t).Quotas() {
		live, err := s.client.CoreV1().ResourceQuotas(namespace).Get(t.Context(), "budget", metav1.GetOptions{})
		require.NoError(t, err)
		used := live.Status.Used["requests.memory"]
		free := int64(q.Request.MiB) - used.Value()>>20
		pods := s.client.CoreV1().Pods(namespace)
		_, err = pods.Create(t.Context(), requesting(1, free), trial)
		require.NoError(t, err, "%s has %d MiB left", namespace, free)
		_, err = pods.Create(t.Context(), requesting(1, free+1), trial)
		require.ErrorContains(t, err, "exceeded quota: budget, requested: requests.memory=", namespace)
		_, err = pods.Create(t.Context(), requesting(int64(q.Request.MilliCPU)+1, 1), trial)
		require.ErrorContains(t, err, "exceeded quota: budget, requested: requests.cpu=", namespace)
		_, err = pods.Create(t.Context(), requesting(0, 0), trial)
		require.ErrorContains(t, err, "failed quota: budget: must specify requests.cpu", namespace)
	}
}

// checkOtherNamespaces checks that DigitalOcean's own Pods, which have no requests in part, and
// objects that cost nothing are admitted elsewhere.
func (s liveStack) checkOtherNamespaces(t *testing.T) {
	for _, namespace := range []string{"default", "kube-system"} {
		_, err := s.client.CoreV1().Pods(namespace).Create(t.Context(), requesting(0, 0), trial)
		require.NoError(t, err, namespace)
		internal := balancer("internal")
		internal.Spec.Type = corev1.ServiceTypeClusterIP
		_, err = s.client.CoreV1().Services(namespace).Create(t.Context(), internal, trial)
		require.NoError(t, err, namespace)
	}
}

// checkUpgrade deletes all quotas and policies, which leaves the cluster as an older version of the
// program made it. The next update must add them while everything runs.
func (s liveStack) checkUpgrade(t *testing.T) {
	for _, namespace := range workload.Namespaces() {
		require.NoError(t, s.client.CoreV1().ResourceQuotas(namespace).Delete(t.Context(), "budget", metav1.DeleteOptions{}))
	}
	admission := s.client.AdmissionregistrationV1()
	for _, name := range []string{"platform-load-balancers", "platform-volumes"} {
		require.NoError(t, admission.ValidatingAdmissionPolicyBindings().Delete(t.Context(), name, metav1.DeleteOptions{}))
		require.NoError(t, admission.ValidatingAdmissionPolicies().Delete(t.Context(), name, metav1.DeleteOptions{}))
	}
	out := s.Succeeds(t, "up", "--yes", "--refresh", "--skip-preview")
	assert.Contains(t, out, "+ 11 created", "a quota for each namespace, two policies and their bindings")
	s.waitForPods(t)
}

// checkSmallerApp lowers the requests and the replicas of the app. The new quota is in force while
// the larger Pods still run.
func (s liveStack) checkSmallerApp(t *testing.T) {
	before := s.plan(t).Workload.App
	s.Edit(t, "concurrentUsers: 100", "concurrentUsers: 1")
	require.Less(t, s.plan(t).Workload.App.Request.MiB, before.Request.MiB)
	s.Up(t)
	s.waitForPods(t)
	assert.Empty(t, s.events(t), "Pods that a quota refused")
	s.Succeeds(t, "preview", "--refresh", "--expect-no-changes")
}
