package monitoring

import (
	"strings"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"

	"github.com/genericcorp/platform/internal/dashboards"
	"github.com/genericcorp/platform/internal/kube"
)

// unusedPlugins are all plug-ins that Grafana 13.2.3 loads at its start, but for the data source
// prometheus. Each data source is a process of its own with 22 to 38 MB. Without these 17 Grafana
// needs 110 MiB less. Source: setting_plugins.go of Grafana 13.2.3, and a measurement of
// 2026-10-09 that others published. Our limit does not count on it: it was measured elsewhere.
var unusedPlugins = []string{
	"elasticsearch", "grafana-postgresql-datasource", "grafana-pyroscope-datasource", "influxdb", "jaeger", "loki",
	"mssql", "mysql", "opentsdb", "stackdriver", "tempo", "zipkin",
	"grafana-advisor-app", "grafana-exploretraces-app", "grafana-lokiexplore-app", "grafana-metricsdrilldown-app", "grafana-pyroscope-app",
}

// grafanaEnv returns the settings of Grafana, in the form GF_<section>_<key>. People sign in as
// "admin" with the generated password, or with OAuth. Nobody sees anything without that.
func (a Args) grafanaEnv() corev1.EnvVarArray {
	variables := []kube.Variable{
		{Name: "GF_SERVER_ROOT_URL", Value: "https://" + a.Host + "/"},
		{Name: "GF_PATHS_PROVISIONING", Value: configPath + "/provisioning"},
		{Name: "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", Value: configPath + "/dashboards/" + dashboards.Home},
		// A file, because everybody who may read the Pod can read its variables.
		{Name: "GF_SECURITY_ADMIN_PASSWORD__FILE", Value: adminPath + "/" + passwordFile},
		{Name: "GF_SECURITY_COOKIE_SECURE", Value: "true"},
		{Name: "GF_AUTH_ANONYMOUS_ENABLED", Value: "false"},
		{Name: "GF_PUBLIC_DASHBOARDS_ENABLED", Value: "false"},
		{Name: "GF_USERS_ALLOW_SIGN_UP", Value: "false"},
		{Name: "GF_ANALYTICS_REPORTING_ENABLED", Value: "false"},
		{Name: "GF_ANALYTICS_CHECK_FOR_UPDATES", Value: "false"},
		{Name: "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", Value: "false"},
		// Otherwise Grafana replaces the plug-ins of its image at the start. With a read-only
		// file system that fails, and the data source is gone (grafana#132528).
		{Name: "GF_PLUGINS_PREINSTALL_DISABLED", Value: "true"},
		{Name: "GF_PLUGINS_DISABLE_PLUGINS", Value: strings.Join(unusedPlugins, ",")},
		{Name: "GF_NEWS_NEWS_FEED_ENABLED", Value: "false"},
		{Name: "GF_METRICS_ENABLED", Value: "true"},
		// Compressing needs memory (grafana#123017).
		{Name: "GF_SERVER_ENABLE_GZIP", Value: "false"},
	}
	var env corev1.EnvVarArray
	for _, v := range append(variables, a.OAuth.env()...) {
		env = append(env, v.Args())
	}
	return env
}
