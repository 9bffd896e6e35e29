package player

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/catalog"
)

// Pool is the nodes that were ordered.
type Pool struct {
	Size  string `json:"size"`
	Count int    `json:"nodeCount"`
}

// systemNamespace is where the cloud's own Pods run.
const systemNamespace = "kube-system"

// nodes makes the pool's nodes and the cloud's Pods on them, and takes away what
// was ordered no longer.
func (p *Player) nodes(ctx context.Context) error {
	pool, err := p.pool()
	if err != nil {
		return err
	}
	list, err := p.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	there := map[string]*corev1.Node{}
	for i := range list.Items {
		there[list.Items[i].Name] = &list.Items[i]
	}
	var names []string
	for i := range pool.Count {
		names = append(names, fmt.Sprintf("%s-%d", pool.Size, i))
	}
	for i, name := range names {
		p.hosts[name] = fmt.Sprintf("10.10.0.%d", i+2)
		if err := p.node(ctx, name, there[name], pool.Size); err != nil {
			return err
		}
		delete(there, name)
	}
	for name := range there {
		if err := p.removeNode(ctx, name); err != nil {
			return err
		}
	}
	return p.systemPods(ctx, names)
}

// kubeletPort is where the kubelet of a node would answer.
const kubeletPort = 10250

// node makes a node and lets it be ready.
func (p *Player) node(ctx context.Context, name string, node *corev1.Node, size string) error {
	if node != nil && len(node.Status.Conditions) > 0 {
		return nil
	}
	known, err := catalog.NodeBySize(size)
	if err != nil {
		return err
	}
	if node == nil {
		node, err = p.client.CoreV1().Nodes().Create(ctx, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
				"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
			}},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	resources := corev1.ResourceList{
		"cpu": *resource.NewMilliQuantity(int64(known.AllocatableMilli), resource.DecimalSI), "memory": mebibytes(known.AllocatableMiB),
		"pods": *resource.NewQuantity(catalog.PodsPerNode, resource.DecimalSI), "ephemeral-storage": mebibytes(50 << 10),
	}
	node.Status = corev1.NodeStatus{
		Capacity: resources, Allocatable: resources,
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: p.hosts[name]}, {Type: corev1.NodeHostName, Address: name}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubeletPort}},
		Conditions:      []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Played", LastHeartbeatTime: metav1.Now()}},
	}
	_, err = p.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// systemPods are the cloud's own: some on each node, some wherever there is room.
func (p *Player) systemPods(ctx context.Context, nodes []string) error {
	list, err := p.client.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, pod := range list.Items {
		there[pod.Name] = true
	}
	add := func(name, node string, system catalog.SystemPod) {
		if err == nil && !there[name] {
			_, err = p.client.CoreV1().Pods(systemNamespace).Create(ctx, systemPod(name, node, system), metav1.CreateOptions{})
		}
	}
	for _, system := range catalog.SystemPods() {
		for _, node := range nodes {
			if system.PerNode {
				add(system.Name+"-"+node, node, system)
			}
		}
		for i := range system.Replicas {
			if len(nodes) > 0 {
				add(fmt.Sprintf("%s-%d", system.Name, i), "", system)
			}
		}
	}
	return err
}

func systemPod(name, node string, system catalog.SystemPod) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			NodeName: node, ServiceAccountName: "default", AutomountServiceAccountToken: new(false),
			Containers: []corev1.Container{{Name: "system", Image: "registry.example.com/system:1", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{
					"cpu": *resource.NewMilliQuantity(int64(system.MilliCPU), resource.DecimalSI), "memory": mebibytes(system.MiB),
				},
			}}},
		},
	}
}

// removeNode takes a node with its Pods, as the cloud does when a pool shrinks.
func (p *Player) removeNode(ctx context.Context, name string) error {
	pods, err := p.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return err
	}
	now := int64(0)
	for _, pod := range pods.Items {
		if err := p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return p.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
}
