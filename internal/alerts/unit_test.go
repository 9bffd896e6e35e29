package alerts_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/sandbox/build"
)

// stack is the stack of the tests: two nodes of $24, 5 GiB of volumes, one load balancer.
var stack = alerts.Stack{
	AvailabilityPercent: 99.5, LatencyMillis: 1000, Nodes: 2,
	Costs: alerts.Costs{
		Bill: budget.Bill{
			{Item: budget.ItemNodes, Unit: 2400, Quantity: 2}, {Item: budget.ItemDatabase, Unit: 1515, Quantity: 1},
			{Item: budget.ItemLoadBalancer, Unit: 1200, Quantity: 1}, {Item: budget.ItemVolumes, Unit: 10, Quantity: 5},
		},
		Limit: 8000, MoreTenants: 7, Step: 1530, IncludedGiB: 5000,
	},
}

// The format of the file of tests of vmalert-tool.
type (
	unitFile struct {
		RuleFiles []string   `yaml:"rule_files"`
		Every     string     `yaml:"evaluation_interval"`
		Tests     []unitTest `yaml:"tests"`
	}
	unitTest struct {
		Name     string       `yaml:"name"`
		Interval string       `yaml:"interval"`
		Series   []unitSeries `yaml:"input_series"`
		Checks   []unitCheck  `yaml:"alert_rule_test"`
		Queries  []unitQuery  `yaml:"metricsql_expr_test"`
	}
	unitSeries struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	unitCheck struct {
		At     string      `yaml:"eval_time"`
		Rule   string      `yaml:"alertname"`
		Alerts []unitAlert `yaml:"exp_alerts"`
	}
	unitAlert struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	}
)

type (
	unitQuery struct {
		Expr    string       `yaml:"expr"`
		At      string       `yaml:"eval_time"`
		Samples []unitSample `yaml:"exp_samples"`
	}
	unitSample struct {
		Labels string  `yaml:"labels"`
		Value  float64 `yaml:"value"`
	}
)

// checks returns what vmalert-tool must find at the times of a scenario.
func (s scenario) checks(t *testing.T) []unitCheck {
	t.Helper()
	rule := find(t, s.rule)
	var out []unitCheck
	for _, at := range s.quiet {
		out = append(out, unitCheck{At: at, Rule: s.rule, Alerts: []unitAlert{}})
	}
	if s.fires == "" {
		return out
	}
	labels := map[string]string{"severity": string(rule.Severity)}
	for name, value := range s.labels {
		labels[name] = value
	}
	return append(out, unitCheck{At: s.fires, Rule: s.rule, Alerts: []unitAlert{
		{Labels: labels, Annotations: map[string]string{"summary": s.summary, "runbook": rule.Runbook()}},
	}})
}

func find(t *testing.T, name string) alerts.Rule {
	t.Helper()
	for _, r := range alerts.Rules(stack) {
		if r.Name == name {
			return r
		}
	}
	require.Fail(t, "no such rule", name)
	return alerts.Rule{}
}

// run writes the scenarios to a file, and returns what vmalert-tool prints and its error.
func run(t *testing.T, scenarios []scenario) (string, error) {
	t.Helper()
	tests := map[string][]unitTest{}
	for _, s := range scenarios {
		every := cmp.Or(s.every, "1m")
		test := unitTest{Name: s.rule + ": " + s.name, Interval: every, Checks: s.checks(t)}
		for _, series := range s.series {
			test.Series = append(test.Series, unitSeries{series[0], series[1]})
		}
		tests[every] = append(tests[every], test)
	}
	return runTests(t, tests)
}

// runTests runs tests by the interval of their evaluations.
func runTests(t *testing.T, tests map[string][]unitTest) (string, error) {
	t.Helper()
	tool, err := build.VMAlertTool("../..", os.Stderr)
	require.NoError(t, err)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "rules.yaml"), []byte(alerts.File(stack)), 0o600))
	for every, list := range tests {
		text, err := yaml.Marshal(unitFile{RuleFiles: []string{"rules.yaml"}, Every: every, Tests: list})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, "tests-"+every+".yaml"), text, 0o600))
	}
	program, err := filepath.Abs(tool)
	require.NoError(t, err)
	cmd := exec.Command(program, "unittest", "-disableAlertgroupLabel", "-files", filepath.Join(folder, "tests-*.yaml"))
	cmd.Dir = folder
	printed, err := cmd.CombinedOutput()
	return string(printed), err
}

func TestEachRuleFiresForItsFaultStaysQuietOtherwiseAndResolves(t *testing.T) {
	printed, err := run(t, scenarios())
	require.NoError(t, err, printed)
	fired := map[string]int{}
	for _, s := range scenarios() {
		if s.fires != "" {
			fired[s.rule]++
			assert.True(t, len(s.quiet) >= 2 || s.rule == alerts.Heartbeat, "%s: quiet before and after the fault", s.rule)
		}
	}
	for _, r := range alerts.Rules(stack) {
		assert.Positive(t, fired[r.Name], "no scenario lets %s fire", r.Name)
	}
}

// The test above must not pass because the tool checks nothing.
func TestUnitTestsFailForAnAlertThatDoesNotFire(t *testing.T) {
	printed, err := run(t, []scenario{{
		rule: "AppDown", name: "the app runs", series: [][2]string{{`kube_deployment_status_replicas_available{namespace="app",deployment="app"}`, "1x20"}},
		fires: "10m", labels: map[string]string{"namespace": "app", "deployment": "app"},
	}})
	require.Error(t, err)
	assert.Contains(t, printed, "AppDown")
}
