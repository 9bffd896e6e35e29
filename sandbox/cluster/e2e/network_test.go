package e2e_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/things-go/go-socks5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// network simulates the cluster's network. It is a SOCKS5 proxy. It connects clients that dial
// the address of a Pod or the name of a Service to the program that runs on this machine in
// place of the Pod.
type network struct {
	liveStack
	// URL is the proxy's URL.
	URL string
	// listeners are addresses of this machine, by the Pod's "address:port". mu guards them.
	mu        sync.Mutex
	listeners map[string]string
}

func newNetwork(t *testing.T, s liveStack) *network {
	t.Helper()
	n := &network{liveStack: s, listeners: map[string]string{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.URL = "socks5://" + listener.Addr().String()
	server := socks5.NewServer(socks5.WithResolver(noResolver{}), socks5.WithDial(n.dial))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		assert.ErrorIs(t, <-ended, net.ErrClosed)
	})
	return n
}

// noResolver leaves the resolution of names to network.dial.
type noResolver struct{}

func (noResolver) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, nil, nil
}

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	listener, err := n.listener(ctx, address)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, listener)
}

// listenAs connects clients of a Pod's port to an address of this machine.
func (n *network) listenAs(pod corev1.Pod, port int, listener string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[podAddress(pod, port)] = listener
}

// listenerOf returns the address on this machine for a Pod's "address:port", and whether there
// is one.
func (n *network) listenerOf(address string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	listener, ok := n.listeners[address]
	return listener, ok
}

func podAddress(pod corev1.Pod, port int) string {
	return net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port))
}

// listener returns the address on this machine for the "host:port" of a Pod or a Service.
func (n *network) listener(ctx context.Context, address string) (string, error) {
	if listener, ok := n.listenerOf(address); ok {
		return listener, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	name, namespace, ok := strings.Cut(strings.TrimSuffix(host, ".svc.cluster.local"), ".")
	if !ok || strings.Contains(namespace, ".") {
		return "", fmt.Errorf("no Pod or Service has the address %s", address)
	}
	service, err := n.client.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	pods, err := n.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: labels.FormatLabels(service.Spec.Selector)})
	if err != nil {
		return "", err
	}
	for _, p := range service.Spec.Ports {
		if strconv.Itoa(int(p.Port)) != port {
			continue
		}
		for _, pod := range pods.Items {
			if listener, ok := n.listenerOf(podAddress(pod, target(pod, p.TargetPort))); ok {
				return listener, nil
			}
		}
	}
	return "", fmt.Errorf("no Pod of %s listens at port %s", host, port)
}

// target returns the number of the Pod's port that a Service or a probe names.
func target(pod corev1.Pod, port intstr.IntOrString) int {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal {
				return int(p.ContainerPort)
			}
		}
	}
	return port.IntValue()
}
