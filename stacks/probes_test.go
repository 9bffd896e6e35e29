package stacks

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// probe is what a probe asks, and how often.
type probe struct {
	// asks is the path, or "tcp", and the name of the port.
	asks, port                 string
	period, timeout, threshold float64
}

// probeOf returns a container's probe, nil if it has none.
func probeOf(c any, kind string) *probe {
	value := pulumitest.Dig(c, kind+"Probe")
	if value == nil {
		return nil
	}
	p := &probe{asks: "tcp"}
	if path, ok := pulumitest.Dig(value, "httpGet.path").(string); ok {
		p.asks = path
		p.port, _ = pulumitest.Dig(value, "httpGet.port").(string)
	} else {
		p.port, _ = pulumitest.Dig(value, "tcpSocket.port").(string)
	}
	p.period, _ = pulumitest.Dig(value, "periodSeconds").(float64)
	p.timeout, _ = pulumitest.Dig(value, "timeoutSeconds").(float64)
	p.threshold, _ = pulumitest.Dig(value, "failureThreshold").(float64)
	return p
}

// probeRules are the rules for the probes of a container that runs all the time.
func probeRules(c any) rules {
	startup, ready, live := probeOf(c, "startup"), probeOf(c, "readiness"), probeOf(c, "liveness")
	r := rules{"has a liveness probe": live != nil, "has a readiness probe": ready != nil, "has a startup probe": startup != nil}
	for _, p := range []*probe{startup, ready, live} {
		if p != nil && !p.fits(c) {
			r["probes ask a port of their container and have times"] = false
		}
	}
	if live == nil || ready == nil {
		return r
	}
	r["readiness asks another endpoint than liveness"] = ready.asks != live.asks
	r["a Pod gets no requests before it is restarted"] = ready.period*ready.threshold <= live.period*live.threshold
	if startup != nil {
		r["startup asks what liveness asks"] = startup.asks == live.asks
		r["a start may take a minute"] = startup.period*startup.threshold >= 60
	}
	return r
}

// fits reports whether the probe asks a named port of its container, and has all its times.
func (p probe) fits(c any) bool {
	return slices.Contains(texts(list(c, "ports"), "name"), p.port) && p.period >= p.timeout && p.timeout >= 1 && p.threshold >= 2
}

// The settings name the app's endpoints; a probe of another one restarts a healthy app, or sends
// requests to one that is not ready.
func TestTheAppsProbesAskTheEndpointsOfTheSettings(t *testing.T) {
	for _, variant := range variants {
		cfg := variantConfig(t, variant)
		s, _ := planOf(t, cfg)
		app, ok := named(declaredWith(t, variant, cfg), "kubernetes:apps/v1:Deployment", "app", "app")
		require.True(t, ok)
		c := app.Containers()[0]
		for kind, path := range map[string]string{"startup": s.App.HealthPath, "liveness": s.App.HealthPath, "readiness": s.App.ReadyPath} {
			p := probeOf(c, kind)
			if assert.NotNil(t, p, "%s: the app has no %s probe", variant, kind) {
				assert.Equal(t, path, p.asks, "%s: the %s probe of the app", variant, kind)
			}
		}
		annotations := pulumitest.Dig(podTemplate(app), "metadata.annotations").(map[string]any)
		assert.Equal(t, s.App.MetricsPath, annotations["prometheus.io/path"], variant)
	}
}
