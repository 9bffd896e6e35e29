package containers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// balancer does the work of DigitalOcean's load balancer: it connects clients with the node
// ports of the Service of type LoadBalancer, by turns on each node. It sends the client's address by
// the PROXY protocol if the Service has the annotation for that.
type balancer struct {
	client kubernetes.Interface
	host   *Host
	turn   atomic.Uint32
}

const proxyAnnotation = "service.beta.kubernetes.io/do-loadbalancer-enable-proxy-protocol"

// dialTimeout is how long the balancer waits for a node.
const dialTimeout = 5 * time.Second

// listen serves a port of the Service on a port of this machine.
func (b *balancer) listen(ctx context.Context, local int, port int32) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", local))
	if err != nil {
		return fmt.Errorf("port %d of this machine: %w", local, err)
	}
	go vpc.Forward(listener, func(client net.Conn) (net.Conn, error) { return b.dial(ctx, client, port) })
	return nil
}

func (b *balancer) dial(ctx context.Context, client net.Conn, port int32) (net.Conn, error) {
	service, err := b.service(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := b.dialNode(ctx, nodePort(service, port))
	if err != nil || service.Annotations[proxyAnnotation] != "true" {
		return conn, err
	}
	from, to := client.RemoteAddr().(*net.TCPAddr), client.LocalAddr().(*net.TCPAddr)
	_, err = fmt.Fprintf(conn, "PROXY TCP4 %s %s %d %d\r\n", from.IP, to.IP, from.Port, to.Port)
	return conn, err
}

// dialNode connects to a port of the first node, beginning with the next by turn, that answers.
func (b *balancer) dialNode(ctx context.Context, port int32) (net.Conn, error) {
	nodes := b.host.Machines.Addresses()
	first := int(b.turn.Add(1))
	err := errors.New("no node runs")
	for i := range nodes {
		var conn net.Conn
		address := fmt.Sprintf("%s:%d", nodes[(first+i)%len(nodes)], port)
		if conn, err = b.host.Network.Dial(ctx, address); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// service returns the Service of type LoadBalancer. A stack has one.
func (b *balancer) service(ctx context.Context) (*corev1.Service, error) {
	list, err := b.client.CoreV1().Services(workload.IngressNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		if list.Items[i].Spec.Type == corev1.ServiceTypeLoadBalancer {
			return &list.Items[i], nil
		}
	}
	return nil, errors.New("no Service is of type LoadBalancer")
}

func nodePort(service *corev1.Service, port int32) int32 {
	for _, p := range service.Spec.Ports {
		if p.Port == port {
			return p.NodePort
		}
	}
	return 0
}

// metrics serves VictoriaMetrics on a port of this machine.
func (b *balancer) metrics(ctx context.Context, local int) error {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", local))
	if err != nil {
		return fmt.Errorf("port %d of this machine: %w", local, err)
	}
	go vpc.Forward(listener, func(net.Conn) (net.Conn, error) {
		pods, err := b.client.CoreV1().Pods(workload.MonitoringNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=" + workload.VictoriaMetrics.Name})
		if err != nil || len(pods.Items) == 0 {
			return nil, errors.Join(err, errors.New("VictoriaMetrics has no Pod"))
		}
		return b.host.Network.Dial(ctx, net.JoinHostPort(pods.Items[0].Status.PodIP, "8428"))
	})
	return nil
}
