package stacks

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestQuotasTogetherAllowTheVolumesAndLoadBalancersOfTheBill(t *testing.T) {
	for _, stack := range stackNames {
		cfg := with(t, stackConfig(t, stack), "archive", map[string]any{"volumeGiB": 3})
		_, plan := planOf(t, cfg)
		quotas := plan.Quotas()
		assert.Equal(t, workload.Namespaces(), slices.Sorted(maps.Keys(quotas)), "each namespace has a quota")
		sum := map[string]int{}
		for _, q := range quotas {
			sum[budget.ItemLoadBalancer] += q.LoadBalancers
			sum[budget.ItemVolumes] += q.VolumeGiB
		}
		for _, line := range plan.Bill {
			if _, limited := sum[line.Item]; limited {
				assert.Equal(t, line.Quantity, sum[line.Item], "%s: %s", stack, line.Item)
			}
		}
		assert.Equal(t, 1, quotas[workload.TenantsNamespace].Claims)
		assert.Equal(t, 1, quotas[workload.MonitoringNamespace].Claims)
	}
}

func TestQuotasHaveRoomForARollingUpdateWithPodsThatAreStopping(t *testing.T) {
	for _, stack := range stackNames {
		_, plan := planOf(t, stackConfig(t, stack))
		most := map[string]components.Resources{}
		for w := range plan.Workload.All() {
			for range 2*w.Replicas + w.Surge {
				most[w.Namespace] = most[w.Namespace].Plus(w.Request)
			}
		}
		for namespace, q := range plan.Quotas() {
			assert.GreaterOrEqual(t, q.Request.MilliCPU, most[namespace].MilliCPU, namespace)
			assert.GreaterOrEqual(t, q.Request.MiB, most[namespace].MiB, namespace)
		}
	}
}

// The quota comes before the Pods. So when the app becomes smaller, the quota of the smaller app
// must have room for the larger one and for the first Pod of the smaller one.
func TestQuotasLetALargerAppBecomeSmaller(t *testing.T) {
	for _, stack := range stackNames {
		cfg := stackConfig(t, stack)
		_, small := planOf(t, with(t, cfg, "capacity.concurrentUsers", 1))
		_, large := planOf(t, cfg)
		require.Equal(t, large.Nodes, small.Nodes, "the same nodes")
		require.Greater(t, large.Workload.App.Request.MiB, small.Workload.App.Request.MiB)
		both := small.Workload.App.Request
		for range large.Workload.App.Replicas {
			both = both.Plus(large.Workload.App.Request)
		}
		q := small.Quotas()[workload.AppNamespace]
		assert.GreaterOrEqual(t, q.Request.MiB, both.MiB, stack)
		assert.GreaterOrEqual(t, q.Request.MilliCPU, both.MilliCPU, stack)
	}
}

func TestAnExistingClusterHasNoQuotasAndPolicies(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "self", existing(t), Program))
	for _, g := range r.Registrations() {
		assert.NotContains(t, g.Type, "ResourceQuota")
		assert.NotContains(t, g.Type, "admission", g.Name)
	}
}

// Charts, operators and the app can create objects as soon as they run.
func TestPoliciesAndQuotasComeBeforeEverythingThatTheyLimit(t *testing.T) {
	for _, stack := range stackNames {
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, stackConfig(t, stack), Program))
		limited := 0
		for _, g := range r.Registrations() {
			namespace, _ := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
			pods := pulumitest.Dig(g.Inputs, "spec.template") != nil || pulumitest.Dig(g.Inputs, "spec.jobTemplate") != nil
			billable := g.Type == "kubernetes:core/v1:PersistentVolumeClaim" || g.Type == "kubernetes:core/v1:Service" && pulumitest.Dig(g.Inputs, "spec.type") == "LoadBalancer"
			if !pods && !billable || g.Name == "confirm" { // confirm comes after everything, by its component
				continue
			}
			limited++
			assert.Contains(t, strings.Join(g.DependsOn, "\n"), "ResourceQuota::"+namespace+"-budget", "%s: %s %s", stack, g.Type, g.Name)
		}
		assert.Greater(t, limited, 10)
		for _, component := range []string{"ingress:Ingress", "certificates:Certificates", "monitoring:Monitoring", "tenants:Tenants", "pooler:Pooler", "app:App"} {
			g, ok := r.Find("platform:"+component, "platform-"+stack)
			require.True(t, ok, component)
			assert.Contains(t, strings.Join(g.DependsOn, "\n"), "ValidatingAdmissionPolicyBinding::platform-volumes", component)
		}
	}
}
