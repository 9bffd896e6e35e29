// Package fakecloud does what a cloud and cert-manager do for a cluster that has only a control
// plane: it creates nodes of the declared size with the cloud's own Pods, binds volumes, gives
// load balancers an address, and issues certificates.
//
// Without Machines the nodes are fake, and no container runs: the package marks Pods as running
// and Jobs as complete. With Machines a real kubelet runs the containers of each node.
package fakecloud

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/genericcorp/platform/sandbox/authority"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// storageClass is DigitalOcean's default one.
const storageClass = "do-block-storage"

// interval is how often the Controller compares the cluster with the pools.
const interval = 200 * time.Millisecond

// Controller simulates the cloud of one cluster. Use New.
type Controller struct {
	client  kubernetes.Interface
	dynamic dynamic.Interface
	pools   func() ([]cloud.NodePool, error)
	// machines are nil if the nodes are fake.
	machines Machines
	issuer   *authority.Authority
	// hosts are the IP addresses of nodes, by name.
	hosts map[string]string
}

// Machines run real nodes.
type Machines interface {
	// Run starts the node with a name, unless it runs. It does not wait until the node is ready.
	Run(ctx context.Context, name string, pool cloud.NodePool) error
	// Stop stops a node with all its containers. The node may not exist.
	Stop(name string) error
	// Provide makes the images of Pods known to all nodes. It is called often.
	Provide(pods []corev1.Pod) error
	// VolumeFolder returns the folder on this machine with the content of a claim's volume.
	VolumeFolder(claim *corev1.PersistentVolumeClaim) (string, error)
}

// New returns a Controller for the cluster of config. Run creates and deletes nodes so that
// the cluster has the nodes of pools. It calls pools every 200 ms. Certificates are of issuer.
// machines may be nil.
func New(config *rest.Config, pools func() ([]cloud.NodePool, error), issuer *authority.Authority, machines Machines) (*Controller, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	custom, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &Controller{client: client, dynamic: custom, pools: pools, machines: machines, issuer: issuer, hosts: map[string]string{}}, nil
}

// Run simulates the cloud until the context ends, and returns nil then. A conflict with
// another client is no error, because Run tries again after the next interval.
func (c *Controller) Run(ctx context.Context) error {
	if err := c.createStorageClass(ctx); err != nil {
		return fmt.Errorf("storage class: %w", err)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
		for _, act := range []func(context.Context) error{c.nodes, c.pods, c.volumes, c.loadBalancers, c.certificates} {
			if err := act(ctx); err != nil && ctx.Err() == nil && !transient(err) {
				return err
			}
		}
	}
}

// transient reports whether an error may disappear at the next interval.
func transient(err error) bool {
	// The API server answers Forbidden to a Pod in a namespace without a service account
	// yet, and to an object in a namespace that is being deleted.
	return apierrors.IsConflict(err) || apierrors.IsNotFound(err) || apierrors.IsAlreadyExists(err) || apierrors.IsForbidden(err)
}

func (c *Controller) createStorageClass(ctx context.Context) error {
	immediate, remove := storagev1.VolumeBindingImmediate, corev1.PersistentVolumeReclaimDelete
	_, err := c.client.StorageV1().StorageClasses().Create(ctx, &storagev1.StorageClass{
		ObjectMeta:  metav1.ObjectMeta{Name: storageClass, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner: "dobs.csi.digitalocean.com", VolumeBindingMode: &immediate, ReclaimPolicy: &remove,
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// pods does what a kubelet does on fake nodes: it sets scheduled Pods to running, or to
// succeeded if they belong to a Job, and deletes Pods that are being deleted.
func (c *Controller) pods(ctx context.Context) error {
	list, err := c.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if c.machines != nil {
		return c.machines.Provide(list.Items)
	}
	var errs []error
	for i := range list.Items {
		pod := &list.Items[i]
		switch {
		case pod.DeletionTimestamp != nil:
			now := int64(0)
			errs = append(errs, c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}))
		case pod.Spec.NodeName != "" && pod.Status.Phase == corev1.PodPending:
			pod.Status = running(pod, c.host(pod.Spec.NodeName))
			_, err := c.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
			errs = append(errs, err)
		}
	}
	return withoutTransient(errs)
}

// running returns the status of a Pod that has started, or that has succeeded if it belongs
// to a Job. host is the address of its node.
func running(pod *corev1.Pod, host string) corev1.PodStatus {
	status := pod.Status
	now := metav1.Now()
	status.Phase, status.StartTime = corev1.PodRunning, &now
	status.PodIP = podAddress(pod)
	status.PodIPs = []corev1.PodIP{{IP: status.PodIP}}
	status.HostIP, status.HostIPs = host, []corev1.HostIP{{IP: host}}
	done := false
	for _, owner := range pod.OwnerReferences {
		done = done || owner.Kind == "Job"
	}
	if done {
		status.Phase = corev1.PodSucceeded
	}
	status.ContainerStatuses = nil
	for _, c := range pod.Spec.Containers {
		state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
		if done {
			state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: now, FinishedAt: now}}
		}
		status.ContainerStatuses = append(status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: !done, Started: new(!done), State: state,
		})
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		value := corev1.ConditionTrue
		if done && kind != corev1.PodInitialized {
			value = corev1.ConditionFalse
		}
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: kind, Status: value, LastTransitionTime: now})
	}
	return status
}

// podAddress returns an address in the default range of Pods (settings.network.pods). Nothing
// listens there.
func podAddress(pod *corev1.Pod) string {
	h := hashOf(string(pod.UID))
	return fmt.Sprintf("10.100.%d.%d", h>>8&0xff, 1+h%254)
}

// loadBalancers sets an address for each Service of type LoadBalancer.
func (c *Controller) loadBalancers(ctx context.Context) error {
	services, err := c.client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for i := range services.Items {
		service := &services.Items[i]
		if service.Spec.Type != corev1.ServiceTypeLoadBalancer || len(service.Status.LoadBalancer.Ingress) > 0 {
			continue
		}
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: address(service.Namespace + "/" + service.Name)}}
		_, err := c.client.CoreV1().Services(service.Namespace).UpdateStatus(ctx, service, metav1.UpdateOptions{})
		errs = append(errs, err)
	}
	return withoutTransient(errs)
}

// address returns an IP address in the range for documentation, the same for equal texts.
func address(of string) string { return fmt.Sprintf("203.0.113.%d", 10+hashOf(of)%240) }

func hashOf(text string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash never returns an error
	return h.Sum32()
}

// withoutTransient returns the errors that are not transient.
func withoutTransient(errs []error) error {
	var out []error
	for _, err := range errs {
		if err != nil && !transient(err) {
			out = append(out, err)
		}
	}
	return errors.Join(out...)
}

func mebibytes(n int) resource.Quantity {
	return *resource.NewQuantity(int64(n)<<20, resource.BinarySI)
}
