package stacks

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// system is the namespace of the cluster's own Pods.
const system = "kube-system"

// chartPods are the Pods of cert-manager's chart, with their label app.kubernetes.io/name.
var chartPods = map[string]string{
	"cert-manager": "cert-manager", "cert-manager-cainjector": "cainjector", "cert-manager-webhook": "webhook", "cert-manager-startupapicheck": "startupapicheck",
}

// network has the Pods and the network policies of a stack. It computes the connections that the
// policies allow, as docs of NetworkPolicy define them: both sides have to allow a connection,
// and a side that no policy restricts allows all.
type network struct {
	// pods has the labels of Pods by "namespace/workload". addresses are outside of the cluster.
	pods      map[string]map[string]any
	addresses map[string]netip.Addr
	policies  []pulumitest.Registration
}

func networkOf(t *testing.T, all []pulumitest.Registration) network {
	t.Helper()
	n := network{pods: map[string]map[string]any{system: nil}}
	for _, g := range all {
		if g.Type == policyToken {
			n.policies = append(n.policies, g)
		}
		if template := podTemplate(g); template != nil {
			n.pods[fmt.Sprintf("%v/%s", pulumitest.Dig(g.Inputs, "metadata.namespace"), g.Name)] = pulumitest.Dig(template, "metadata.labels").(map[string]any)
		}
		if g.Type == releaseToken {
			for pod, name := range chartPods {
				n.pods[fmt.Sprintf("%v/%s", g.Inputs["namespace"], pod)] = map[string]any{"app.kubernetes.io/name": name}
			}
		}
	}
	require.Greater(t, len(n.policies), 15, "network policies")
	return n
}

// allowed returns all allowed connections as "from -> to: ports", sorted.
func (n network) allowed() []string {
	peers := append(slices.Sorted(maps.Keys(n.pods)), slices.Sorted(maps.Keys(n.addresses))...)
	var out []string
	for _, from := range peers {
		for _, to := range peers {
			ours := strings.Contains(from, "/") || strings.Contains(to, "/")
			if ports := n.ports(from, to); ours && from != to && len(ports) > 0 {
				out = append(out, fmt.Sprintf("%s -> %s: %s", from, to, strings.Join(ports, ", ")))
			}
		}
	}
	slices.Sort(out)
	return out
}

// every stands for all ports.
const every = "every port"

// ports returns the ports on which one peer may connect to another.
func (n network) ports(from, to string) []string {
	out, in := n.side(from, to, "Egress"), n.side(to, from, "Ingress")
	switch {
	case slices.Contains(out, every):
		return in
	case slices.Contains(in, every):
		return out
	}
	return slices.DeleteFunc(out, func(port string) bool { return !slices.Contains(in, port) })
}

// side returns the ports that the policies of one peer allow with another one, sorted.
func (n network) side(of, with, direction string) []string {
	restricted := false
	var out []string
	for _, p := range n.policies {
		if !n.selected(p, of) || !slices.Contains(list(p.Inputs, "spec.policyTypes"), any(direction)) {
			continue
		}
		restricted = true
		rules, key := list(p.Inputs, "spec.ingress"), "from"
		if direction == "Egress" {
			rules, key = list(p.Inputs, "spec.egress"), "to"
		}
		for _, rule := range rules {
			if n.matches(p, rule, key, with) {
				out = append(out, portsOf(rule)...)
			}
		}
	}
	if !restricted {
		return []string{every}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// selected reports whether a policy is for a Pod.
func (n network) selected(p pulumitest.Registration, pod string) bool {
	namespace, _, ok := strings.Cut(pod, "/")
	return ok && namespace == pulumitest.Dig(p.Inputs, "metadata.namespace") && n.hasLabels(pod, pulumitest.Dig(p.Inputs, "spec.podSelector.matchLabels"))
}

func (n network) hasLabels(pod string, selector any) bool {
	labels, _ := selector.(map[string]any)
	for key, value := range labels {
		if n.pods[pod][key] != value {
			return false
		}
	}
	return true
}

// matches reports whether a rule is for a peer. A rule without peers is for all.
func (n network) matches(p pulumitest.Registration, rule any, key, with string) bool {
	peers := list(rule, key)
	return len(peers) == 0 || slices.ContainsFunc(peers, func(peer any) bool {
		if cidr, ok := pulumitest.Dig(peer, "ipBlock.cidr").(string); ok {
			address, outside := n.addresses[with]
			return outside && netip.MustParsePrefix(cidr).Contains(address)
		}
		if _, pod := n.pods[with]; !pod {
			return false
		}
		namespace := pulumitest.Dig(p.Inputs, "metadata.namespace")
		if selector := pulumitest.Dig(peer, "namespaceSelector"); selector != nil {
			// An empty selector is for all namespaces.
			if namespace = pulumitest.Dig(selector, "matchLabels.kubernetes.io/metadata.name"); namespace == nil {
				return n.hasLabels(with, pulumitest.Dig(peer, "podSelector.matchLabels"))
			}
		}
		in, _, _ := strings.Cut(with, "/")
		return in == namespace && n.hasLabels(with, pulumitest.Dig(peer, "podSelector.matchLabels"))
	})
}

func portsOf(rule any) []string {
	ports := list(rule, "ports")
	if len(ports) == 0 {
		return []string{every}
	}
	var out []string
	for _, port := range ports {
		text := fmt.Sprintf("%v %v", pulumitest.Dig(port, "protocol"), pulumitest.Dig(port, "port"))
		if end := pulumitest.Dig(port, "endPort"); end != nil {
			text += fmt.Sprintf("-%v", end)
		}
		out = append(out, text)
	}
	return out
}
