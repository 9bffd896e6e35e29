package fakecloud

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/catalog"
)

// systemNamespace is the namespace of the cloud's own Pods.
const systemNamespace = "kube-system"

// system creates the cloud's own Pods as DaemonSets and Deployments, as DigitalOcean
// Kubernetes has them. A drain moves the Deployments' Pods and ignores the DaemonSets'.
// system deletes them when there is no node.
func (c *Controller) system(ctx context.Context, hasNodes bool) error {
	list, err := c.client.AppsV1().Deployments(systemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	switch {
	case hasNodes && len(list.Items) == 0:
		return c.createSystem(ctx)
	case !hasNodes && len(list.Items) > 0:
		return c.removeSystem(ctx)
	}
	return nil
}

func (c *Controller) createSystem(ctx context.Context) error {
	var errs []error
	for _, system := range catalog.SystemPods() {
		meta := metav1.ObjectMeta{Name: system.Name, Labels: map[string]string{"app": system.Name}}
		selector := &metav1.LabelSelector{MatchLabels: meta.Labels}
		template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: meta.Labels}, Spec: systemPod(system)}
		var err error
		if system.PerNode {
			_, err = c.client.AppsV1().DaemonSets(systemNamespace).Create(ctx, &appsv1.DaemonSet{
				ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template},
			}, metav1.CreateOptions{})
		} else {
			replicas := int32(system.Replicas) //nolint:gosec // it is 1 or 2
			_, err = c.client.AppsV1().Deployments(systemNamespace).Create(ctx, &appsv1.Deployment{
				ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template, Replicas: &replicas},
			}, metav1.CreateOptions{})
		}
		errs = append(errs, err)
	}
	return withoutTransient(errs)
}

func systemPod(system catalog.SystemPod) corev1.PodSpec {
	return corev1.PodSpec{
		AutomountServiceAccountToken: new(false),
		Containers: []corev1.Container{{Name: "system", Image: "registry.example.com/system:1", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				"cpu": *resource.NewMilliQuantity(int64(system.MilliCPU), resource.DecimalSI), "memory": mebibytes(system.MiB),
			},
		}}},
	}
}

func (c *Controller) removeSystem(ctx context.Context) error {
	var errs []error
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &background}
	for _, system := range catalog.SystemPods() {
		var err error
		if system.PerNode {
			err = c.client.AppsV1().DaemonSets(systemNamespace).Delete(ctx, system.Name, options)
		} else {
			err = c.client.AppsV1().Deployments(systemNamespace).Delete(ctx, system.Name, options)
		}
		if !apierrors.IsNotFound(err) {
			errs = append(errs, err)
		}
	}
	return withoutTransient(errs)
}
