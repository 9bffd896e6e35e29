package monitoring_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/dashboards"
	"github.com/genericcorp/platform/internal/usage"
	"github.com/genericcorp/platform/internal/workload"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// A rule about a metric that nothing exports never fires, and looks right.
func TestEveryMetricOfTheAlertsIsExportedAndStored(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Record, Expr string }
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(configMap(t, "vmalert", "rules.yaml")), &file))
	exported := exporters(t)
	checked := map[string]int{}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			for _, metric := range metricsOf(t, rule.Expr) {
				prefix, _, _ := strings.Cut(metric, "_")
				require.Contains(t, exported, prefix, "%s%s: no exporter of %s", rule.Alert, rule.Record, metric)
				assert.True(t, exported[prefix](metric), "%s%s: nothing exports %s, or the store drops it", rule.Alert, rule.Record, metric)
				checked[prefix]++
			}
		}
	}
	recorded := map[string]bool{"ALERTS": true}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			recorded[rule.Record] = true
		}
	}
	for _, metric := range metricsOfDashboards(t) {
		prefix, _, _ := strings.Cut(metric, "_")
		if recorded[metric] || prefix == "app" { // the app's own counters, docs/usage.md
			continue
		}
		require.Contains(t, exported, prefix, "dashboards: no exporter of %s", metric)
		assert.True(t, exported[prefix](metric), "dashboards: nothing exports %s, or the store drops it", metric)
		checked["dashboards"]++
	}
	assert.Greater(t, checked["dashboards"], 50)
	for _, query := range usage.Queries() {
		for _, metric := range metricsOf(t, query.Expr) {
			if strings.HasPrefix(metric, "traefik_") {
				assert.True(t, exported["traefik"](metric), "%s: Traefik does not export %s", query.Name, metric)
				checked["usage"]++
			}
		}
	}
	assert.Positive(t, checked["usage"])
	for prefix := range exported {
		assert.Positive(t, checked[prefix], "metrics %s_", prefix)
	}
}

func metricsOfDashboards(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"overview.json", "tenant.json", "platform.json", "money.json"} {
		var dashboard struct {
			Panels      []struct{ Targets []struct{ Expr string } }
			Annotations struct{ List []struct{ Expr string } }
		}
		require.NoError(t, json.Unmarshal([]byte(configMap(t, "grafana", name)), &dashboard))
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				out = append(out, metricsOf(t, dashboards.Filled(target.Expr, "acme"))...)
			}
		}
		for _, annotation := range dashboard.Annotations.List {
			out = append(out, metricsOf(t, dashboards.Filled(annotation.Expr, "acme"))...)
		}
	}
	return out
}

func metricsOf(t *testing.T, expr string) []string {
	t.Helper()
	parsed, err := metricsql.Parse(expr)
	require.NoError(t, err)
	var out []string
	metricsql.VisitAll(parsed, func(e metricsql.Expr) {
		if m, ok := e.(*metricsql.MetricExpr); ok && len(m.LabelFilterss) > 0 {
			out = append(out, m.LabelFilterss[0][0].Value)
		}
	})
	return out
}

// exporters returns by prefix whether a metric is exported and stored. Names are looked up in the
// source of the exporter, in the version that the tests build, and in our scrape configuration.
func exporters(t *testing.T) map[string]func(metric string) bool {
	t.Helper()
	state := source(t, "images", "k8s.io/kube-state-metrics/v2", "internal/store")
	ingress := source(t, "traefik", "github.com/traefik/traefik/v3", "pkg/observability/metrics")
	store := source(t, "images", "github.com/VictoriaMetrics/VictoriaMetrics", "app/vmstorage")
	kinds := arguments(t, "kube-state-metrics", "--resources=")
	collectors := arguments(t, "node-exporter", "--collector.")
	kept := regexp.MustCompile("^(" + regexp.MustCompile(`regex: (container_.*)`).FindStringSubmatch(configMap(t, "victoria-metrics", "scrape.yaml"))[1] + ")$")
	return map[string]func(string) bool{
		"kube": func(metric string) bool {
			kind := strings.Split(metric, "_")[1] + "s"
			return strings.Contains(state, `"`+metric+`"`) && slices.Contains(strings.Split(kinds[0], ","), kind)
		},
		"node": func(metric string) bool {
			collector := strings.Replace(strings.Split(metric, "_")[1], "memory", "meminfo", 1)
			return slices.Contains(collectors, collector)
		},
		"container": kept.MatchString,
		"pgbouncer": func(metric string) bool { return slices.Contains(workload.PoolerMetrics(), metric) },
		// cert-manager is no module of this repository: sandbox/cluster has it, and these names.
		"certmanager": func(metric string) bool {
			return slices.Contains([]string{"certmanager_certificate_expiration_timestamp_seconds", "certmanager_certificate_ready_status"}, metric)
		},
		"traefik": func(metric string) bool {
			for prefix, variable := range map[string]string{"traefik_entrypoint_": "metricEntryPointPrefix", "traefik_router_": "metricRouterPrefix"} {
				if name, ok := strings.CutPrefix(metric, prefix); ok {
					name = strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")
					return strings.Contains(ingress, variable+` + "`+name+`"`)
				}
			}
			return false
		},
		"vm":     func(metric string) bool { return strings.Contains(store, metric) },
		"up":     func(metric string) bool { return metric == "up" },
		"tenant": func(metric string) bool { return slices.Contains(usage.Gauges(), metric) },
	}
}

// source returns the Go code in a folder of a module, in the version of a module in tools/. It
// downloads the module if this machine does not have it.
func source(t *testing.T, tool, module, folder string) string {
	t.Helper()
	out, err := exec.Command("go", "-C", filepath.Join("../../tools", tool), "mod", "download", "-json", module).Output()
	require.NoError(t, err)
	var downloaded struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &downloaded))
	files, err := filepath.Glob(filepath.Join(downloaded.Dir, folder, "*.go"))
	require.NoError(t, err)
	var text strings.Builder
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		text.Write(data)
	}
	require.NotEmpty(t, text.String(), folder)
	return text.String()
}

// arguments returns the arguments of a workload's container that begin with a prefix, without it.
func arguments(t *testing.T, name, prefix string) []string {
	t.Helper()
	var out []string
	for _, g := range recorded(t).Registrations() {
		if g.Name != name {
			continue
		}
		for _, container := range g.Containers() {
			args, _ := pulumitest.Dig(container, "args").([]any)
			for _, arg := range args {
				if value, found := strings.CutPrefix(arg.(string), prefix); found {
					out = append(out, value)
				}
			}
		}
	}
	require.NotEmpty(t, out, "%s %s", name, prefix)
	return out
}
