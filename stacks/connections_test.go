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

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// The peers outside of the platform's namespaces. The database of DigitalOcean is in the VPC.
const (
	system    = "kube-system"
	internet  = "the Internet"
	vpc       = "the VPC"
	externals = "the external database"
)

// chartPods are the Pods of cert-manager's chart, with their label app.kubernetes.io/name.
var chartPods = map[string]string{
	"cert-manager": "cert-manager", "cert-manager-cainjector": "cainjector", "cert-manager-webhook": "webhook", "cert-manager-startupapicheck": "startupapicheck",
}

// allowed are the connections of every stack, as "from -> to: ports", with the list of scraped
// Pods. Connections to the database, and those of single settings, are in wanted.
var allowed = []string{
	"ingress/traefik -> app/app: APP",
	"ingress/traefik -> monitoring/grafana: TCP 3000",
	"app/app -> pooler/pooler: TCP 6432",
	"tenants/usage -> monitoring/victoria-metrics: TCP 8428",
	"monitoring/grafana -> monitoring/victoria-metrics: TCP 8428",
	"monitoring/vmalert -> monitoring/victoria-metrics: TCP 8428",
	"monitoring/victoria-metrics -> app/app: APP",
	"monitoring/victoria-metrics -> cert-manager/cert-manager: TCP 9402",
	"monitoring/victoria-metrics -> cert-manager/cert-manager-cainjector: TCP 9402",
	"monitoring/victoria-metrics -> cert-manager/cert-manager-startupapicheck: TCP 9402",
	// Any source may connect to the webhook, and to Traefik's two public ports.
	"monitoring/victoria-metrics -> cert-manager/cert-manager-webhook: TCP 10250, TCP 9402",
	"monitoring/victoria-metrics -> ingress/traefik: TCP 8000, TCP 8082, TCP 8443",
	"monitoring/victoria-metrics -> monitoring/grafana: TCP 3000",
	"monitoring/victoria-metrics -> monitoring/kube-state-metrics: TCP 8080",
	"monitoring/victoria-metrics -> monitoring/vmalert: TCP 9093",
	"monitoring/victoria-metrics -> node-metrics/node-exporter: TCP 9100",
	"monitoring/victoria-metrics -> pooler/pooler: TCP 9127",
}

// apiClients use the API server, and readers of metrics each node's kubelet. They are selected by
// port only, so these ports are open to any address.
var apiClients = map[string]string{
	"ingress/traefik":                           "TCP 443, TCP 6443",
	"monitoring/kube-state-metrics":             "TCP 443, TCP 6443",
	"monitoring/victoria-metrics":               "TCP 10250, TCP 443, TCP 6443",
	"cert-manager/cert-manager":                 "TCP 443, TCP 6443",
	"cert-manager/cert-manager-cainjector":      "TCP 443, TCP 6443",
	"cert-manager/cert-manager-webhook":         "TCP 443, TCP 6443",
	"cert-manager/cert-manager-startupapicheck": "TCP 443, TCP 6443",
}

// outside are the ports that settings of the stack "everything" open to any address.
var outside = map[string]string{
	"app/app":            "TCP 443",           // app.internetEgress
	"monitoring/grafana": "TCP 443",           // monitoring.oauth
	"monitoring/vmalert": "TCP 2525, TCP 443", // alerts.email.server, alerts.webhook
}

// wanted returns all connections of a stack.
func wanted(variant, appPort, database string, pods []string, addresses []string) []string {
	to := func(from, target, ports string) string { return fmt.Sprintf("%s -> %s: %s", from, target, ports) }
	var out []string
	for _, line := range allowed {
		out = append(out, strings.ReplaceAll(line, "APP", "TCP "+appPort))
	}
	open := maps.Clone(apiClients)
	if variant == everything {
		maps.Copy(open, outside)
	}
	for _, from := range pods {
		ports := []string{"TCP 53", "UDP 53"}
		if open[from] != "" {
			ports = append(ports, strings.Split(open[from], ", ")...)
		}
		slices.Sort(ports)
		out = append(out, to(from, system, strings.Join(ports, ", ")))
		for _, address := range addresses {
			reached := open[from]
			if address == database && slices.Contains([]string{"app/app", "pooler/pooler", "tenants/confirm", "tenants/reconcile", "tenants/usage"}, from) {
				port := map[string]string{vpc: "TCP 25060", externals: "TCP 6543"}[database]
				reached = strings.TrimSuffix(port+", "+reached, ", ")
			}
			if reached != "" {
				out = append(out, to(from, address, reached))
			}
		}
	}
	for _, from := range append([]string{system}, addresses...) {
		out = append(out, to(from, "ingress/traefik", "TCP 8000, TCP 8443"), to(from, "cert-manager/cert-manager-webhook", "TCP 10250"))
	}
	slices.Sort(out)
	return out
}

func TestPodsMayConnectToWhatTheListSaysAndToNothingElse(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("..", "sandbox", "cluster", "e2e", "testdata", "connections.golden"))
	require.NoError(t, err)
	for _, variant := range variants {
		t.Run(variant, func(t *testing.T) {
			cfg := variantConfig(t, variant)
			s, _ := planOf(t, cfg)
			n := networkOf(t, declaredWith(t, variant, cfg))
			n.addresses = map[string]netip.Addr{internet: netip.MustParseAddr("198.51.100.7"), vpc: netip.MustParsePrefix(s.Network.VPC).Addr().Next()}
			database := vpc
			if variant == opposite {
				delete(n.addresses, vpc)
				database = externals
				n.addresses[externals] = netip.MustParsePrefix(s.Database.Network).Addr().Next()
			}
			got := n.connections()
			assert.Equal(t, wanted(variant, fmt.Sprint(s.App.Port), database, n.podNames(), slices.Sorted(maps.Keys(n.addresses))), got)
			if slices.Contains(stackNames, variant) {
				assert.Equal(t, strings.Split(strings.TrimSuffix(string(golden), "\n"), "\n"), got, "the connections that NP-Guard finds on an API server")
			}
		})
	}
}

// A sample of addresses cannot show that a range became wider.
func TestPoliciesNameTheRangeOfTheDatabaseAndNoOther(t *testing.T) {
	for _, variant := range variants {
		cfg := variantConfig(t, variant)
		s, _ := planOf(t, cfg)
		want := s.Network.VPC
		if variant == opposite {
			want = s.Database.Network
		}
		holders := 0
		for _, p := range networkOf(t, declaredWith(t, variant, cfg)).policies {
			for _, rule := range append(list(p.Inputs, "spec.egress"), list(p.Inputs, "spec.ingress")...) {
				for _, peer := range append(list(rule, "to"), list(rule, "from")...) {
					if block := pulumitest.Dig(peer, "ipBlock"); block != nil {
						holders++
						assert.Equal(t, map[string]any{"cidr": want}, block, "%s: %s", variant, p.Name)
					}
				}
			}
		}
		assert.Equal(t, 4, holders, "%s: policies of the app, the pooler, the reconcile Job and the count of usage", variant)
	}
}
