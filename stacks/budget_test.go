package stacks

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/meter"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// metered returns a recorded resource as the meter sees it.
func metered(g pulumitest.Registration) meter.Resource {
	return meter.Resource{Type: g.Type, Name: g.Name, Component: !g.Custom, Inputs: g.Inputs, IgnoreChanges: g.IgnoreChanges}
}

func TestMeterOfAllResourcesHasTheTotalOfThePlansBill(t *testing.T) {
	for _, stack := range stackNames {
		cfg := with(t, stackConfig(t, stack), "archive", map[string]any{"volumeGiB": 2})
		s, plan := planOf(t, cfg)
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
		m := newMeter(plan, s)
		for _, g := range r.Registrations() {
			require.NoError(t, m.Register(metered(g)), g.Name)
		}
		assert.Equal(t, plan.Bill.Total(), m.Total(), stack)
	}
}

func TestEveryContainerRequestsWhatTheSizingCounted(t *testing.T) {
	for _, stack := range stackNames {
		cfg := stackConfig(t, stack)
		_, plan := planOf(t, cfg)
		r := &pulumitest.Recorder{}
		require.NoError(t, pulumitest.Run(r, stack, cfg, Program))
		var declared, counted []string
		for _, g := range r.Registrations() {
			if g.Name == "confirm" {
				continue // it runs after the other Job and needs no more room
			}
			for _, c := range g.Containers() {
				declared = append(declared, fmt.Sprintf("%v/%v ×%v %v %v %v", pulumitest.Dig(g.Inputs, "metadata.namespace"),
					pulumitest.Dig(c, "name"), pulumitest.Dig(g.Inputs, "spec.replicas"), pulumitest.Dig(c, "resources.requests.cpu"),
					pulumitest.Dig(c, "resources.requests.memory"), pulumitest.Dig(c, "resources.limits.memory")))
			}
			if g.Type == "kubernetes:helm.sh/v3:Release" {
				for name, path := range map[string]string{
					"cert-manager": "values", "cert-manager-webhook": "values.webhook", "cert-manager-cainjector": "values.cainjector",
				} {
					part := pulumitest.Dig(g.Inputs, path)
					declared = append(declared, fmt.Sprintf("cert-manager/%s ×%v %v %v %v", name, pulumitest.Dig(part, "replicaCount"),
						pulumitest.Dig(part, "resources.requests.cpu"), pulumitest.Dig(part, "resources.requests.memory"),
						pulumitest.Dig(part, "resources.limits.memory")))
				}
			}
		}
		for w := range plan.Workload.All() {
			var replicas any = w.Replicas
			if w.Kind != workload.Deployment { // the objects of other kinds have no replicas
				replicas = nil
			}
			shares := map[string]components.Share{w.Name: w.Main()}
			if w.Sidecar != (components.Share{}) {
				shares[map[string]string{workload.Pooler.Name: "exporter", workload.VMAlert.Name: "alertmanager"}[w.Name]] = w.Sidecar
			}
			for name, share := range shares {
				counted = append(counted, fmt.Sprintf("%s/%s ×%v %s %s %s", w.Namespace, name, replicas,
					share.Request.CPU(), share.Request.Memory(), share.Limit.Memory()))
			}
		}
		assert.Greater(t, len(declared), 10, "containers of %s", stack)
		assert.ElementsMatch(t, counted, declared)
	}
}

func TestClusterHasAnExplicitFalseForHA(t *testing.T) {
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(r, "prod", stackConfig(t, "prod"), Program))
	cluster, _ := r.Find("digitalocean:index/kubernetesCluster:KubernetesCluster", "platform-prod")
	assert.Equal(t, false, cluster.Inputs["ha"])
}

func TestMeterRefusesEachResourceThatIsNotOnTheBill(t *testing.T) {
	cfg := stackConfig(t, "demo")
	s, plan := planOf(t, cfg)
	for _, extra := range pulumitest.Extras() {
		t.Run(extra, func(t *testing.T) {
			r := &pulumitest.Recorder{}
			// The error is ignored, because the simulation may not know the type. The test
			// checks what was registered.
			_ = pulumitest.Run(r, "demo", cfg, pulumitest.WithExtra(Program, extra))
			m, refused := newMeter(plan, s), ""
			for _, g := range r.Registrations() {
				if err := m.Register(metered(g)); err != nil {
					refused = err.Error()
				}
			}
			assert.Regexp(t, "is not on the bill|exceeds the line|has no price here|could keep a value|makes a disk for each Pod", refused)
		})
	}
}
