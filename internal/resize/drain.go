package resize

import (
	"context"
	"fmt"
	"strings"

	"github.com/digitalocean/godo"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubectl/pkg/drain"
)

// helper returns a drain.Helper that selects and evicts Pods like `kubectl drain
// --ignore-daemonsets --delete-emptydir-data`. Each Pod keeps its own grace period.
func (r Resizer) helper(ctx context.Context) *drain.Helper {
	return &drain.Helper{
		Ctx: ctx, Client: r.Kubernetes, GracePeriodSeconds: -1, IgnoreAllDaemonSets: true, DeleteEmptyDirData: true,
		Out: r.Out, ErrOut: r.Out,
	}
}

// cordon makes all old nodes unschedulable before the first is drained. Otherwise Pods
// would move from one old node to another.
func (r Resizer) cordon(ctx context.Context, p *Plan) error {
	for _, pool := range p.From {
		if err := r.setUnschedulable(ctx, pool, true); err != nil {
			return err
		}
	}
	return nil
}

// setUnschedulable cordons or uncordons all nodes of a pool.
func (r Resizer) setUnschedulable(ctx context.Context, pool *godo.KubernetesNodePool, unschedulable bool) error {
	nodes, err := r.nodes(ctx, pool.ID)
	if err != nil {
		return err
	}
	for i := range nodes {
		if nodes[i].Spec.Unschedulable == unschedulable {
			continue
		}
		if err := drain.RunCordonOrUncordon(r.helper(ctx), &nodes[i], unschedulable); err != nil {
			return fmt.Errorf("node %s: %w", nodes[i].Name, err)
		}
		r.printf("node %s: unschedulable=%t", nodes[i].Name, unschedulable)
	}
	return nil
}

// drain drains the old nodes one by one. After each node it waits until the scheduler has
// placed every Pod.
func (r Resizer) drain(ctx context.Context, p *Plan) error {
	for _, pool := range p.From {
		nodes, err := r.nodes(ctx, pool.ID)
		if err != nil {
			return err
		}
		for i, node := range nodes {
			r.printf("draining the node %s (%d of %d)", node.Name, i+1, len(nodes))
			if err := r.waitFor(ctx, "drain of the node "+node.Name, func(ctx context.Context) (string, error) {
				return r.evict(ctx, node.Name)
			}); err != nil {
				return err
			}
			if err := r.waitFor(ctx, "scheduling of all Pods", r.unscheduledPods); err != nil {
				return err
			}
		}
	}
	return nil
}

// evict requests the eviction of every Pod on a node, once. It returns the Pods that are
// left, each with the reason, or "" when the node is empty.
func (r Resizer) evict(ctx context.Context, node string) (string, error) {
	helper := r.helper(ctx)
	list, errs := helper.GetPodsForDeletion(node)
	if list == nil {
		return "", errs[0]
	}
	var left []string
	for _, err := range errs {
		left = append(left, fmt.Sprintf("%v; no controller would create it again, so delete it yourself", err))
	}
	var terminating []string
	for _, pod := range list.Pods() {
		name := pod.Namespace + "/" + pod.Name
		if pod.DeletionTimestamp != nil {
			terminating = append(terminating, name)
			continue
		}
		err := helper.EvictPod(pod, policyv1.SchemeGroupVersion)
		switch {
		case err == nil:
			r.printf("  evicted %s", name)
			terminating = append(terminating, name)
		case apierrors.IsNotFound(err):
		case apierrors.IsTooManyRequests(err):
			left = append(left, r.evictionRefusal(ctx, pod))
		default:
			return "", fmt.Errorf("eviction of %s: %w", name, err)
		}
	}
	if len(terminating) > 0 {
		left = append(left, fmt.Sprintf("terminating: %s (`kubectl -n <namespace> describe pod` says what they wait for)", strings.Join(terminating, ", ")))
	}
	return strings.Join(left, "; "), nil
}

// evictionRefusal says which disruption budget forbids the eviction of a Pod, and how to
// find out why.
func (r Resizer) evictionRefusal(ctx context.Context, pod corev1.Pod) string {
	name := pod.Namespace + "/" + pod.Name
	budgets, err := r.Kubernetes.PolicyV1().PodDisruptionBudgets(pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Sprintf("%s is held by a disruption budget; the list of disruption budgets cannot be read: %v", name, err)
	}
	for _, budget := range budgets.Items {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(pod.Labels)) {
			continue
		}
		return fmt.Sprintf("%s is held by the disruption budget %s (healthy Pods: %d, required: %d) until more of its Pods are Ready; "+
			"`kubectl -n %s describe pods` says why they are not",
			name, budget.Name, budget.Status.CurrentHealthy, budget.Status.DesiredHealthy, pod.Namespace)
	}
	return name + " is not evicted yet: the API server is busy"
}

// unscheduledPods returns the pending Pods without a node, each with the scheduler's
// reason, or "" when there is none.
func (r Resizer) unscheduledPods(ctx context.Context) (string, error) {
	list, err := r.Kubernetes.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	var left []string
	for _, pod := range list.Items {
		if pod.Spec.NodeName != "" || pod.Status.Phase != corev1.PodPending {
			continue
		}
		why := "not scheduled yet"
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Message != "" {
				why = c.Message
			}
		}
		left = append(left, fmt.Sprintf("%s/%s has no node: %s", pod.Namespace, pod.Name, why))
	}
	return strings.Join(left, "; "), nil
}
