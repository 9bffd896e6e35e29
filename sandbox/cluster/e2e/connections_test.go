package e2e_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/np-guard/netpol-analyzer/pkg/netpol/connlist"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/golden"
)

// connections are who may open one to whom, as NP-Guard reads the policies that
// are live: the same in every stack. A reviewer reads the golden file.
func (s stage) connections(t *testing.T) {
	found, _, err := connlist.NewConnlistAnalyzer(connlist.WithMuteErrsAndWarns()).ConnlistFromK8sCluster(s.client)
	require.NoError(t, err)
	network := netip.MustParsePrefix(s.settings(t).Network.VPC)
	var lines []string
	for _, c := range found {
		if ours(c.Src()) || ours(c.Dst()) {
			lines = append(lines, fmt.Sprintf("%s -> %s: %s\n", side(c.Src(), network), side(c.Dst(), network), ports(c)))
		}
	}
	slices.Sort(lines)
	golden.Compare(t, "connections.golden", strings.Join(slices.Compact(lines), ""))
}

func ours(p connlist.Peer) bool {
	return slices.Contains([]string{
		workload.AppNamespace, workload.CertManagerNamespace, workload.IngressNamespace,
		workload.MonitoringNamespace, workload.NodeMetricsNamespace, workload.PoolerNamespace, workload.TenantsNamespace,
	}, p.Namespace())
}

// hash is what a ReplicaSet or a Job has behind its name.
var hash = regexp.MustCompile(`-[0-9a-f]{5,10}$`)

// side names a workload of ours, the cloud's Pods, or addresses outside of the
// cluster: those of its own network, or all others.
func side(p connlist.Peer, network netip.Prefix) string {
	switch {
	case p.IsPeerIPType():
		first, _, _ := strings.Cut(p.IP(), "-")
		if addr, err := netip.ParseAddr(first); err == nil && network.Contains(addr) {
			return "the VPC"
		}
		return "the Internet"
	case !ours(p):
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
