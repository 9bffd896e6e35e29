package stacks

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// connections are the network policies of every stack beside those that a namespace has itself, as
// "namespace/workload <- from" and "namespace/workload -> to" with ports. A namespace with a star
// is all its Pods. "anywhere" is any address: the API server, nodes and the load balancer match no
// selector. APP, DATABASE and DBPORT are from the settings.
var connections = []string{
	// Requests come through Traefik alone.
	"ingress/traefik <- anywhere TCP 8000, TCP 8443",
	"ingress/traefik -> app/* every port",
	"ingress/traefik -> monitoring/grafana every port",
	"ingress/traefik -> anywhere TCP 443, TCP 6443",
	"app/app <- ingress/traefik TCP APP",
	"monitoring/grafana <- ingress/traefik TCP 3000",
	// The database and its pooler.
	"app/app -> DATABASE TCP DBPORT",
	"app/app -> pooler/pooler TCP 6432",
	"pooler/pooler <- app/app TCP 6432",
	"pooler/pooler -> DATABASE TCP DBPORT",
	"tenants/reconcile -> DATABASE TCP DBPORT",
	"tenants/usage -> DATABASE TCP DBPORT",
	// Readers of metrics.
	"tenants/usage -> monitoring/victoria-metrics TCP 8428",
	"monitoring/grafana -> monitoring/victoria-metrics TCP 8428",
	"monitoring/vmalert -> monitoring/victoria-metrics TCP 8428",
	"monitoring/victoria-metrics <- monitoring/grafana TCP 8428",
	"monitoring/victoria-metrics <- monitoring/vmalert TCP 8428",
	"monitoring/victoria-metrics <- monitoring/victoria-metrics TCP 8428",
	"monitoring/victoria-metrics <- tenants/usage TCP 8428",
	// The metrics store scrapes all namespaces whose Pods stay, the API server and the kubelets.
	"monitoring/victoria-metrics -> anywhere TCP 443, TCP 6443",
	"monitoring/victoria-metrics -> anywhere TCP 10250",
	"monitoring/victoria-metrics -> app/* every port",
	"monitoring/victoria-metrics -> cert-manager/* every port",
	"monitoring/victoria-metrics -> ingress/* every port",
	"monitoring/victoria-metrics -> monitoring/* every port",
	"monitoring/victoria-metrics -> node-metrics/* every port",
	"monitoring/victoria-metrics -> pooler/* every port",
	"app/app <- monitoring/victoria-metrics TCP APP",
	"cert-manager/* <- monitoring/victoria-metrics TCP 9402",
	"ingress/traefik <- monitoring/victoria-metrics TCP 8082",
	"monitoring/grafana <- monitoring/victoria-metrics TCP 3000",
	"monitoring/kube-state-metrics <- monitoring/victoria-metrics TCP 8080",
	"monitoring/vmalert <- monitoring/victoria-metrics TCP 9093",
	"node-metrics/node-exporter <- monitoring/victoria-metrics TCP 9100",
	"pooler/pooler <- monitoring/victoria-metrics TCP 9127",
	// Clients of the API server, and its client.
	"monitoring/kube-state-metrics -> anywhere TCP 443, TCP 6443",
	"cert-manager/* -> anywhere TCP 443, TCP 6443",
	"cert-manager/webhook <- anywhere TCP 10250",
}

// opened are the connections that options of the stack "everything" add.
var opened = []string{
	"app/app -> anywhere TCP 443",             // app.internetEgress
	"monitoring/grafana -> anywhere TCP 443",  // monitoring.oauth
	"monitoring/vmalert -> anywhere TCP 443",  // alerts.webhook
	"monitoring/vmalert -> anywhere TCP 2525", // alerts.email.server
}

// wantedConnections returns the connections of a stack.
func wantedConnections(variant string, s settings.Settings) []string {
	database, port := s.Network.VPC, "25060"
	if variant == opposite {
		database, port = s.Database.Network, "6543"
	}
	out := slices.Clone(connections)
	if variant == everything {
		out = append(out, opened...)
	}
	for i, line := range out {
		out[i] = strings.NewReplacer("APP", fmt.Sprint(s.App.Port), "DATABASE", database, "DBPORT", port).Replace(line)
	}
	for _, namespace := range workload.Namespaces() {
		out = append(out, namespace+"/* <- nothing", namespace+"/* -> nothing", namespace+"/* -> kube-system/* TCP 53, UDP 53")
	}
	return out
}

func TestPoliciesAllowTheConnectionsOfTheListAndNoOthers(t *testing.T) {
	for _, variant := range variants {
		cfg := variantConfig(t, variant)
		s, _ := planOf(t, cfg)
		var got []string
		for _, g := range declaredWith(t, variant, cfg) {
			if g.Type == policyToken {
				got = append(got, sidesOf(g)...)
			}
		}
		assert.ElementsMatch(t, wantedConnections(variant, s), got, variant)
	}
}

// sidesOf returns the connections of a policy, as in the list. It says if a side allows nothing.
func sidesOf(p pulumitest.Registration) []string {
	namespace := pulumitest.Dig(p.Inputs, "metadata.namespace")
	of := fmt.Sprintf("%v/%s", namespace, selectedName(pulumitest.Dig(p.Inputs, "spec.podSelector")))
	var out []string
	for _, side := range []struct{ direction, rules, peers, arrow string }{{"Ingress", "spec.ingress", "from", "<-"}, {"Egress", "spec.egress", "to", "->"}} {
		rules := list(p.Inputs, side.rules)
		if slices.Contains(list(p.Inputs, "spec.policyTypes"), any(side.direction)) && len(rules) == 0 {
			out = append(out, fmt.Sprintf("%s %s nothing", of, side.arrow))
		}
		for _, rule := range rules {
			names := []string{"anywhere"}
			if peers := list(rule, side.peers); len(peers) > 0 {
				names = nil
				for _, peer := range peers {
					names = append(names, peerText(namespace, peer))
				}
			}
			for _, name := range names {
				out = append(out, fmt.Sprintf("%s %s %s %s", of, side.arrow, name, strings.Join(portsOf(rule), ", ")))
			}
		}
	}
	return out
}

// peerText returns a range of addresses, or "namespace/workload".
func peerText(own, peer any) string {
	if block := pulumitest.Dig(peer, "ipBlock"); block != nil {
		return fmt.Sprint(pulumitest.Dig(block, "cidr"))
	}
	if selector := pulumitest.Dig(peer, "namespaceSelector"); selector != nil {
		own = pulumitest.Dig(selector, "matchLabels.kubernetes.io/metadata.name")
	}
	return fmt.Sprintf("%v/%s", own, selectedName(pulumitest.Dig(peer, "podSelector")))
}

// selectedName returns the value of the one label of a selector, or a star for all Pods.
func selectedName(selector any) string {
	labels, _ := pulumitest.Dig(selector, "matchLabels").(map[string]any)
	if len(labels) == 0 {
		return "*"
	}
	return fmt.Sprint(labels["app.kubernetes.io/name"])
}

// The golden file is from an API server, where NP-Guard reads the policies. The connections are
// those that both sides allow.
func TestPodsOfTheRealStacksMayConnectAsOnTheAPIServer(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("..", "sandbox", "cluster", "e2e", "testdata", "connections.golden"))
	require.NoError(t, err)
	for _, stack := range stackNames {
		cfg := stackConfig(t, stack)
		s, _ := planOf(t, cfg)
		n := networkOf(t, declaredWith(t, stack, cfg))
		n.addresses = map[string]netip.Addr{"the Internet": netip.MustParseAddr("198.51.100.7"), "the VPC": netip.MustParsePrefix(s.Network.VPC).Addr().Next()}
		assert.Equal(t, strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n"), n.allowed(), stack)
	}
}

// A policy that selects no Pod has no effect. A typing error in a label makes one.
func TestEachPolicyIsForPodsThatExist(t *testing.T) {
	for _, variant := range variants {
		n := networkOf(t, declaredVariant(t, variant))
		for _, p := range n.policies {
			selects := slices.ContainsFunc(slices.Collect(maps.Keys(n.pods)), func(pod string) bool { return n.selected(p, pod) })
			assert.True(t, selects, "%s: %s selects no Pod", variant, p.Name)
		}
	}
}
