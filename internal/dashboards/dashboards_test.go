package dashboards

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	sdk "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/budget"
)

// stacks are a stack with a bill, and one on an existing cluster and an external database.
func stacks() []alerts.Stack {
	return []alerts.Stack{
		{AvailabilityPercent: 99.5, LatencyMillis: 1000, Nodes: 2, Costs: alerts.Costs{
			Bill: budget.Bill{{Item: budget.ItemNodes, Unit: 2400, Quantity: 2}}, Limit: 8000, IncludedGiB: 8000,
		}},
		{AvailabilityPercent: 99.95, LatencyMillis: 250},
	}
}

// check returns what Grafana's schema has against a dashboard: unknown fields, wrong types, and
// required fields that are missing.
func check(text string) error {
	r := cog.NewRuntime()
	for _, variant := range []func() variants.PanelcfgConfig{stat.VariantConfig, bargauge.VariantConfig, timeseries.VariantConfig} {
		r.RegisterPanelcfgVariant(variant())
	}
	r.RegisterDataqueryVariant(prometheus.VariantConfig())
	var d sdk.Dashboard //nolint:staticcheck // Grafana 13 reads this version of the schema from files
	err := d.UnmarshalJSONStrict([]byte(text))
	// Version 0.0.22 returns an empty list of faults as an error that is not nil.
	if faults := (cog.BuildErrors{}); errors.As(err, &faults) && len(faults) == 0 {
		err = nil
	}
	return errors.Join(err, d.Validate())
}

func TestDashboardsHaveGrafanasSchema(t *testing.T) {
	for _, s := range stacks() {
		files := Files(s)
		require.Len(t, files, 4)
		require.Contains(t, files, Home)
		for name, text := range files {
			assert.NoError(t, check(text), name)
		}
	}
}

// The test above must not pass because the schema checks nothing.
func TestTheSchemaRefusesADashboardWithoutRequiredFieldsOrWithUnknownOnes(t *testing.T) {
	for field, fault := range map[string]string{
		"templating": "templating: required field is missing", "annotations": "annotations: required field is missing", "schemaVersion": "schemaVersion: required field is missing",
		"refresh": "", "-unknown": "unknown",
	} {
		d := overview(stacks()[0]).json()
		if name, added := strings.CutPrefix(field, "-"); added {
			d[name] = true
		} else {
			delete(d, field)
		}
		text, err := json.Marshal(d)
		require.NoError(t, err)
		if err := check(string(text)); fault != "" {
			assert.ErrorContains(t, err, fault)
		} else {
			assert.NoError(t, err, "%s is not required", field)
		}
	}
}

// variable matches a variable of Grafana that Filled has left.
var variable = regexp.MustCompile(`\$\w+`)

func TestQueriesAreValid(t *testing.T) {
	queries := 0
	for _, s := range stacks() {
		for _, d := range all(s) {
			exprs := map[string]string{}
			for _, p := range d.panels {
				for _, q := range p.queries {
					exprs[p.title+": "+q.name] = q.expr
				}
			}
			for _, a := range annotations() {
				exprs[a["name"].(string)] = a["expr"].(string)
			}
			for name, expr := range exprs {
				queries++
				if !d.byTenant {
					assert.NotContains(t, expr, "$tenant", "%s, %s", d.title, name)
				}
				filled := Filled(expr, "acme")
				_, err := metricsql.Parse(filled)
				assert.NoError(t, err, "%s, %s: %s", d.title, name, filled)
				assert.NotRegexp(t, variable, filled)
			}
		}
	}
	assert.Greater(t, queries, 100)
}

// A window of 1440 × 900 shows 18 rows of Grafana's grid: a row is 38 pixels high, and the
// browser and the head of the page take about 210 of 900 pixels.
const (
	screenRows   = 18
	screenPanels = 12
)

func TestADashboardFitsOnTheScreenOfALaptop(t *testing.T) {
	for _, d := range all(stacks()[0]) {
		assert.LessOrEqual(t, len(d.panels), screenPanels, d.title)
		taken := map[[2]int]string{}
		for _, p := range layout(d.panels) {
			at, title := p["gridPos"].(object), p["title"].(string)
			x, y, w, h := at["x"].(int), at["y"].(int), at["w"].(int), at["h"].(int)
			assert.LessOrEqual(t, x+w, columns, title)
			assert.LessOrEqual(t, y+h, screenRows, title)
			for i := x; i < x+w; i++ {
				for j := y; j < y+h; j++ {
					assert.Empty(t, taken[[2]int{i, j}], "%s: %s covers it", d.title, title)
					taken[[2]int{i, j}] = title
				}
			}
		}
		assert.Len(t, taken, columns*screenRows, "%s: no gap", d.title)
	}
}

func TestEachPanelSaysWhatItShowsAndLinksToAPage(t *testing.T) {
	shown := map[string]bool{}
	for _, d := range all(stacks()[0]) {
		assert.LessOrEqual(t, len(d.uid), 40)
		assert.NotEmpty(t, d.question)
		titles := map[string]bool{}
		for _, p := range d.panels {
			assert.False(t, titles[p.title], "%s: %s twice", d.title, p.title)
			titles[p.title] = true
			assert.Greater(t, len(strings.Fields(p.about)), 2, p.title)
			assert.NotEmpty(t, p.unit, p.title)
			require.NotEmpty(t, p.links, "%s: %s", d.title, p.title)
			for _, l := range p.links {
				followed(t, p.title, l.url)
				if name, isAlert := strings.CutPrefix(l.title, "Runbook: "); isAlert {
					shown[name] = true
				}
			}
		}
	}
	for _, r := range alerts.Rules(stacks()[0]) {
		assert.True(t, shown[r.Name] || r.Name == alerts.Heartbeat, "no panel shows what %s is about", r.Name)
		delete(shown, r.Name)
	}
	assert.Empty(t, shown, "alerts that do not exist")
}

// followed checks that an address is a page of this repository, and that it has the heading.
func followed(t *testing.T, title, url string) {
	t.Helper()
	page, anchor, hasAnchor := strings.Cut(strings.TrimPrefix(url, docs), "#")
	text, err := os.ReadFile(filepath.Join("../../docs", page))
	require.NoError(t, err, title)
	if !hasAnchor {
		return
	}
	for line := range strings.Lines(string(text)) {
		heading := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		if strings.HasPrefix(line, "#") && strings.ReplaceAll(heading, " ", "-") == anchor {
			return
		}
	}
	assert.Fail(t, "no such heading", "%s: %s", title, url)
}

func TestThresholdsHaveTheObjectivesAndThePlan(t *testing.T) {
	s := stacks()[1]
	found := 0
	for _, d := range all(stacks()[0]) {
		for _, p := range d.panels {
			for i, step := range p.steps {
				found++
				assert.True(t, i == 0 || step.from >= p.steps[i-1].from, "%s: steps must grow", p.title)
			}
		}
	}
	assert.Greater(t, found, 20)
	text := Files(s)[Home]
	assert.Contains(t, text, "The objective is 99.95 %.")
	assert.Contains(t, text, "The objective is 0.25 s.")
	assert.Contains(t, Files(s)["platform.json"], "The nodes are not on the bill.")
	assert.Contains(t, Files(stacks()[0])["platform.json"], "The bill has 2.")
}
