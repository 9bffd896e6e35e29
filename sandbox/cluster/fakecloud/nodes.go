package fakecloud

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// Labels that every node of DigitalOcean Kubernetes has.
const (
	poolIDLabel   = "doks.digitalocean.com/node-pool-id"
	poolNameLabel = "doks.digitalocean.com/node-pool"
)

// PoolLabels returns the labels that the nodes of a pool have on DigitalOcean. The kubelet adds
// others.
func PoolLabels(pool cloud.NodePool) map[string]string {
	return map[string]string{poolIDLabel: pool.ID, poolNameLabel: pool.Name}
}

// nodes creates the nodes of every pool and the cloud's own Pods. It deletes nodes that are
// in no pool or are being deleted.
func (c *Controller) nodes(ctx context.Context) error {
	pools, err := c.pools()
	if err != nil {
		return err
	}
	list, err := c.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	existing := map[string]*corev1.Node{}
	for i := range list.Items {
		existing[list.Items[i].Name] = &list.Items[i]
	}
	count := 0
	for _, pool := range pools {
		for _, declared := range pool.Nodes {
			if declared.State == cloud.NodeDeleting {
				continue
			}
			count++
			if err := c.node(ctx, declared.Name, existing[declared.Name], pool); err != nil {
				return err
			}
			delete(existing, declared.Name)
		}
	}
	for name := range existing {
		if err := c.removeNode(ctx, name); err != nil {
			return err
		}
	}
	return c.system(ctx, count > 0)
}

// kubeletPort is the kubelet's port in the status of nodes. Nothing listens there.
const kubeletPort = 10250

// node runs a real node. Without machines, it creates the node if it is nil, and sets it ready
// with the size of its pool.
func (c *Controller) node(ctx context.Context, name string, node *corev1.Node, pool cloud.NodePool) error {
	if c.machines != nil {
		return c.machines.Run(ctx, name, pool)
	}
	if node != nil && len(node.Status.Conditions) > 0 {
		return nil
	}
	size, err := catalog.NodeBySize(pool.Size)
	if err != nil {
		return err
	}
	if node == nil {
		labels := PoolLabels(pool)
		maps.Copy(labels, map[string]string{"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"})
		node, err = c.client.CoreV1().Nodes().Create(ctx, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	resources := corev1.ResourceList{
		"cpu": *resource.NewMilliQuantity(int64(size.AllocatableMilli), resource.DecimalSI), "memory": mebibytes(size.AllocatableMiB),
		"pods": *resource.NewQuantity(catalog.PodsPerNode, resource.DecimalSI), "ephemeral-storage": mebibytes(50 << 10),
	}
	node.Status = corev1.NodeStatus{
		Capacity: resources, Allocatable: resources,
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: c.host(name)}, {Type: corev1.NodeHostName, Address: name}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
		Conditions:      []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Simulated", LastHeartbeatTime: metav1.Now()}},
	}
	_, err = c.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// host returns the IP address of a node. A new node gets the next free one.
func (c *Controller) host(name string) string {
	if c.hosts[name] == "" {
		c.hosts[name] = fmt.Sprintf("10.10.0.%d", len(c.hosts)+2)
	}
	return c.hosts[name]
}

// removeNode deletes a node with its Pods, as the cloud does when a pool gets smaller.
func (c *Controller) removeNode(ctx context.Context, name string) error {
	pods, err := c.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return err
	}
	if c.machines != nil {
		if err := c.machines.Stop(name); err != nil {
			return err
		}
	}
	now := int64(0)
	for _, pod := range pods.Items {
		if err := c.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return c.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
}
