package e2e_test

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/np-guard/netpol-analyzer/pkg/netpol/connlist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/golden"
)

// checkConnections compares the connections that the live NetworkPolicies allow, according to
// NP-Guard, with the golden file. They are the same in every stack.
func (s liveStack) checkConnections(t *testing.T) {
	s.countUsage(t)
	found, _, err := connlist.NewConnlistAnalyzer(connlist.WithMuteErrsAndWarns()).ConnlistFromK8sCluster(s.client)
	require.NoError(t, err)
	network := netip.MustParsePrefix(s.settings(t).Network.VPC)
	var lines []string
	for _, c := range found {
		if isPlatform(c.Src()) || isPlatform(c.Dst()) {
			lines = append(lines, fmt.Sprintf("%s -> %s: %s\n", peerName(c.Src(), network), peerName(c.Dst(), network), ports(c)))
		}
	}
	slices.Sort(lines)
	golden.Compare(t, "connections.golden", strings.Join(slices.Compact(lines), ""))
}

// countUsage starts a run of the CronJob that counts usage, so that its Pod exists in every minute
// of the hour.
func (s liveStack) countUsage(t *testing.T) {
	t.Helper()
	of := workload.Usage
	cronJob, err := s.client.BatchV1().CronJobs(of.Namespace).Get(t.Context(), of.Name, metav1.GetOptions{})
	require.NoError(t, err)
	jobs := s.client.BatchV1().Jobs(of.Namespace)
	meta := metav1.ObjectMeta{Name: of.Name + "-00000", Labels: cronJob.Spec.JobTemplate.Labels}
	_, err = jobs.Create(t.Context(), &batchv1.Job{ObjectMeta: meta, Spec: cronJob.Spec.JobTemplate.Spec}, metav1.CreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		background := metav1.DeletePropagationBackground
		assert.NoError(t, jobs.Delete(context.Background(), meta.Name, metav1.DeleteOptions{PropagationPolicy: &background}))
	})
	require.Eventually(t, func() bool {
		pods, err := s.client.CoreV1().Pods(of.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + meta.Name})
		return err == nil && len(pods.Items) == 1
	}, 30*time.Second, 100*time.Millisecond, "the Job gets no Pod")
}

// isPlatform reports whether a peer is in a namespace of the platform.
func isPlatform(p connlist.Peer) bool {
	return slices.Contains(workload.Namespaces(), p.Namespace())
}

// hash matches the suffix of the name of a ReplicaSet or a Job.
var hash = regexp.MustCompile(`-[0-9a-f]{5,10}$`)

// peerName returns "namespace/workload" for the platform's Pods and the namespace for the
// cloud's Pods. For addresses outside the cluster it returns "the VPC" or "the Internet".
func peerName(p connlist.Peer, network netip.Prefix) string {
	switch {
	case p.IsPeerIPType():
		first, _, _ := strings.Cut(p.IP(), "-")
		if addr, err := netip.ParseAddr(first); err == nil && network.Contains(addr) {
			return "the VPC"
		}
		return "the Internet"
	case !isPlatform(p):
		return p.Namespace()
	}
	return p.Namespace() + "/" + hash.ReplaceAllString(p.Name(), "")
}

func ports(c connlist.Peer2PeerConnection) string {
	if c.AllProtocolsAndPorts() {
		return "all"
	}
	var out []string
	for protocol, ranges := range c.ProtocolsAndPorts() {
		for _, r := range ranges {
			text := fmt.Sprintf("%s %d", protocol, r.Start())
			if r.End() != r.Start() {
				text += fmt.Sprintf("-%d", r.End())
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// checkPodSecurity checks that the namespaces of all Pods enforce the standard "restricted".
// Only the namespace of the node exporter, which reads the host, is privileged.
func (s liveStack) checkPodSecurity(t *testing.T) {
	enforced := map[string]string{}
	for _, pod := range s.pods(t) {
		namespace, err := s.client.CoreV1().Namespaces().Get(t.Context(), pod.Namespace, metav1.GetOptions{})
		require.NoError(t, err)
		enforced[pod.Namespace] = namespace.Labels["pod-security.kubernetes.io/enforce"]
	}
	want := map[string]string{"kube-system": ""}
	for _, namespace := range workload.Namespaces() {
		want[namespace] = "restricted"
	}
	want[workload.NodeMetricsNamespace] = "privileged"
	assert.Equal(t, want, enforced)
}
