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

// network is the cluster's: a proxy that leads from the address of a Pod or the
// name of a Service to the program that is that Pod on this machine.
type network struct {
	stage
	// URL is where the proxy listens.
	URL string
	// listeners are addresses of this machine by "Pod's address:port". Pods join while
	// others talk.
	mu        sync.Mutex
	listeners map[string]string
}

func newNetwork(t *testing.T, s stage) *network {
	t.Helper()
	n := &network{stage: s, listeners: map[string]string{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n.URL = "socks5://" + listener.Addr().String()
	server := socks5.NewServer(socks5.WithResolver(asGiven{}), socks5.WithDial(n.dial))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		assert.ErrorIs(t, <-ended, net.ErrClosed)
	})
	return n
}

// asGiven leaves names to the dial.
type asGiven struct{}

func (asGiven) Resolve(ctx context.Context, _ string) (context.Context, net.IP, error) {
	return ctx, nil, nil
}

func (n *network) dial(ctx context.Context, network, address string) (net.Conn, error) {
	listener, err := n.listener(ctx, address)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, listener)
}

// join lets a program of this machine be a Pod on a port.
func (n *network) join(pod corev1.Pod, port int, listener string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listeners[podAddress(pod, port)] = listener
}

// joined is who is a Pod on this machine, at the Pod's address.
func (n *network) joined(address string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	listener, ok := n.listeners[address]
	return listener, ok
}

func podAddress(pod corev1.Pod, port int) string {
	return net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port))
}

// listener finds who answers at an address: a Pod's, or a Service's name.
func (n *network) listener(ctx context.Context, address string) (string, error) {
	if listener, ok := n.joined(address); ok {
		return listener, nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	name, namespace, ok := strings.Cut(strings.TrimSuffix(host, ".svc.cluster.local"), ".")
	if !ok || strings.Contains(namespace, ".") {
		return "", fmt.Errorf("nobody is at %s", address)
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
			if listener, ok := n.joined(podAddress(pod, target(pod, p.TargetPort))); ok {
				return listener, nil
			}
		}
	}
	return "", fmt.Errorf("no Pod of %s answers at port %s", host, port)
}

// target is the port of a Pod that a Service means.
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
