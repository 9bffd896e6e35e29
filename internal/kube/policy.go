package kube

import (
	"fmt"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	networkingv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/workload"
)

// Peer is the other side of an allowed connection. The zero value is any address and any port.
type Peer struct {
	// Namespace and App select Pods. App without Namespace selects Pods of the policy's own
	// namespace.
	Namespace, App string
	// CIDR is an address range outside of the cluster. With it, Namespace and App are
	// ignored.
	CIDR string
	// Ports are TCP ports; none means all.
	Ports []int
}

// PeerOf returns the Pods of a workload on the TCP ports; without ports, on all.
func PeerOf(of workload.Ref, ports ...int) Peer {
	return Peer{Namespace: of.Namespace, App: of.Name, Ports: ports}
}

// Policy is a network policy for Pods of one namespace.
type Policy struct {
	// Namespace is the namespace of the policy, Name its name there.
	Namespace, Name string
	// App is the workload whose Pods it applies to; empty means all Pods of the namespace.
	App string
	// From are the peers that may connect to these Pods. To are the peers to which they may
	// connect. An empty side allows nothing; the policy does not restrict a nil side.
	From, To []Peer
	udp      bool
}

func denyAll(namespace string) Policy {
	return Policy{Namespace: namespace, Name: "deny-all", From: []Peer{}, To: []Peer{}}
}

func allowDNS(namespace string) Policy {
	dns := Peer{Namespace: "kube-system", Ports: []int{53}}
	return Policy{Namespace: namespace, Name: "allow-dns", To: []Peer{dns}, udp: true}
}

// HTTPS is any server on port 443. APIServer is the cluster's API server, whose port is 443 on
// DigitalOcean and 6443 elsewhere. Kubelet is the kubelet of each node. They are selected by
// port only: they are not Pods, and address ranges do not work, because Cilium,
// DigitalOcean's network, does not match nodes by address ranges.
var (
	HTTPS     = Peer{Ports: []int{443}}
	APIServer = Peer{Ports: []int{443, 6443}}
	Kubelet   = Peer{Ports: []int{10250}}
)

// RegisterPolicies declares the policies and returns them. The Pulumi name of each is
// "<namespace>-<name>".
func RegisterPolicies(ctx *pulumi.Context, policies []Policy, opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	var out []pulumi.Resource
	for _, p := range policies {
		name := p.Namespace + "-" + p.Name
		registered, err := networkingv1.NewNetworkPolicy(ctx, name, p.Args(), opts...)
		if err != nil {
			return nil, fmt.Errorf("network policy %q: %w", name, err)
		}
		out = append(out, registered)
	}
	return out, nil
}

// Args returns the policy as the arguments of a NetworkPolicy.
func (p Policy) Args() *networkingv1.NetworkPolicyArgs {
	spec := &networkingv1.NetworkPolicySpecArgs{PodSelector: &metav1.LabelSelectorArgs{}}
	if p.App != "" {
		spec.PodSelector = &metav1.LabelSelectorArgs{MatchLabels: Selector(workload.Ref{Name: p.App})}
	}
	var types []string
	if p.From != nil {
		types = append(types, "Ingress")
		var rules networkingv1.NetworkPolicyIngressRuleArray
		for _, peer := range p.From {
			rules = append(rules, &networkingv1.NetworkPolicyIngressRuleArgs{From: peer.selectors(), Ports: p.ports(peer)})
		}
		spec.Ingress = rules
	}
	if p.To != nil {
		types = append(types, "Egress")
		var rules networkingv1.NetworkPolicyEgressRuleArray
		for _, peer := range p.To {
			rules = append(rules, &networkingv1.NetworkPolicyEgressRuleArgs{To: peer.selectors(), Ports: p.ports(peer)})
		}
		spec.Egress = rules
	}
	spec.PolicyTypes = pulumi.ToStringArray(types)
	return &networkingv1.NetworkPolicyArgs{Metadata: Meta(workload.Ref{Namespace: p.Namespace, Name: p.Namespace}, p.Name), Spec: spec}
}

func (p Policy) ports(peer Peer) networkingv1.NetworkPolicyPortArray {
	protocols := []string{"TCP"}
	if p.udp {
		protocols = []string{"TCP", "UDP"}
	}
	var out networkingv1.NetworkPolicyPortArray
	for _, port := range peer.Ports {
		for _, protocol := range protocols {
			out = append(out, &networkingv1.NetworkPolicyPortArgs{Port: pulumi.Int(port), Protocol: pulumi.String(protocol)})
		}
	}
	return out
}

func (peer Peer) selectors() networkingv1.NetworkPolicyPeerArray {
	if peer.CIDR != "" {
		return networkingv1.NetworkPolicyPeerArray{&networkingv1.NetworkPolicyPeerArgs{
			IpBlock: &networkingv1.IPBlockArgs{Cidr: pulumi.String(peer.CIDR)},
		}}
	}
	if peer.Namespace == "" && peer.App == "" {
		return nil
	}
	out := &networkingv1.NetworkPolicyPeerArgs{}
	if peer.Namespace != "" {
		out.NamespaceSelector = &metav1.LabelSelectorArgs{MatchLabels: pulumi.StringMap{
			"kubernetes.io/metadata.name": pulumi.String(peer.Namespace),
		}}
	}
	if peer.App != "" {
		out.PodSelector = &metav1.LabelSelectorArgs{MatchLabels: Selector(workload.Ref{Name: peer.App})}
	}
	return networkingv1.NetworkPolicyPeerArray{out}
}
