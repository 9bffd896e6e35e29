package stacks

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// serviceHost matches the host of a Service inside the cluster, and its namespace.
var serviceHost = regexp.MustCompile(`[a-z0-9-]+\.([a-z0-9-]+)\.svc\.cluster\.local`)

// Every namespace denies all traffic, so an address in a Pod's configuration is of no use
// without a policy on both sides.
func TestPoliciesAdmitTheConnectionsThatConfigurationNames(t *testing.T) {
	for _, stack := range stackNames {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, with(t, stackConfig(t, stack), "tenants", []any{map[string]any{"name": "acme"}}), Program))
		to, from := admitted(r)
		named := map[[2]string]bool{}
		for _, g := range r.Registrations() {
			namespace, _ := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
			for _, match := range serviceHost.FindAllStringSubmatch(pulumitest.Text(g.Inputs), -1) {
				if slices.Contains(workload.Namespaces(), namespace) {
					named[[2]string{namespace, match[1]}] = true
				}
			}
		}
		for _, pair := range slices.SortedFunc(maps.Keys(named), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			assert.Contains(t, to[pair[0]], pair[1], "%s: Pods of %s have an address of %s and no way there", stack, pair[0], pair[1])
			assert.Contains(t, from[pair[1]], pair[0], "%s: %s admits no Pods of %s, which have its address", stack, pair[1], pair[0])
		}
		assert.True(t, named[[2]string{workload.AppNamespace, workload.PoolerNamespace}], "the tenants' connection strings")
		assert.GreaterOrEqual(t, len(named), 4, "pairs of namespaces")
	}
}

// admitted returns the namespaces that policies let each namespace connect to, and from.
func admitted(r *pulumitest.Recorder) (to, from map[string][]string) {
	to, from = map[string][]string{}, map[string][]string{}
	for _, g := range r.Registrations() {
		if g.Type != "kubernetes:networking.k8s.io/v1:NetworkPolicy" {
			continue
		}
		namespace := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
		to[namespace] = append(to[namespace], peers(g.Inputs, "spec.egress", "to", namespace)...)
		from[namespace] = append(from[namespace], peers(g.Inputs, "spec.ingress", "from", namespace)...)
	}
	return to, from
}

// peers returns the namespaces of a policy's peers. Without a selector of namespaces, a peer
// is in the policy's own one.
func peers(policy map[string]any, rules, side, own string) []string {
	var out []string
	list, _ := pulumitest.Dig(policy, rules).([]any)
	for _, rule := range list {
		of, _ := pulumitest.Dig(rule, side).([]any)
		for _, peer := range of {
			labels, selected := pulumitest.Dig(peer, "namespaceSelector.matchLabels").(map[string]any)
			switch {
			case selected:
				out = append(out, labels["kubernetes.io/metadata.name"].(string))
			case pulumitest.Dig(peer, "podSelector") != nil:
				out = append(out, own)
			}
		}
	}
	return out
}
