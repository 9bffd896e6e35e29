package settings

import (
	"regexp"
	"strings"
)

var image = regexp.MustCompile(`^[a-z0-9]([a-z0-9._/-]|:\d+/)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?$`)

func (a App) validate(f *Faults) {
	name := a.Image[strings.LastIndex(a.Image, "/")+1:]
	switch {
	case !image.MatchString(a.Image):
		f.add("app.image", "%q is not an image such as ghcr.io/acme/app:1.2.3", a.Image)
	case !strings.ContainsAny(name, ":@") || strings.HasSuffix(name, ":latest"):
		f.add("app.image", "%q has no exact version; add an exact tag or a digest", a.Image)
	}
	portBounds.within(f, "app.port", a.Port)
	for path, value := range map[string]string{
		"app.healthPath": a.HealthPath, "app.readyPath": a.ReadyPath, "app.metricsPath": a.MetricsPath,
	} {
		if !strings.HasPrefix(value, "/") {
			f.add(path, "%q does not start with a slash", value)
		}
	}
	if a.WebAnalytics != "" && !webAnalyticsToken.MatchString(a.WebAnalytics) {
		f.add("app.webAnalytics", "%q is not a token of 32 hexadecimal digits (0-9, a-f), as in the snippet that Cloudflare shows", a.WebAnalytics)
	}
	replicaBounds.within(f, "app.replicas", a.Replicas)
	connectionBounds.within(f, "app.databasePool", a.DatabasePool)
	cpuQuantities.within(f, "app.cpu", a.CPU)
	memoryQuantities.within(f, "app.memory", a.Memory)
	for key := range a.Env {
		if problem := envNameProblem(key); problem != "" {
			f.add("app.env."+key, "%s", problem)
		}
	}
}

// reservedEnv has the variables that the platform sets (docs/app-contract.md).
var reservedEnv = map[string]bool{"DATABASE_URL": true, "PORT": true, "PUBLIC_URL": true, "PGSSLROOTCERT": true, WebAnalyticsEnv: true}

// WebAnalyticsEnv is the variable with which the app gets App.WebAnalytics.
const WebAnalyticsEnv = "WEB_ANALYTICS_TOKEN"

var webAnalyticsToken = regexp.MustCompile(`^[0-9a-f]{32}$`)

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// envNameProblem returns why the app may not have an environment variable with this name, or
// "" if it may.
func envNameProblem(name string) string {
	switch {
	case reservedEnv[name]:
		return "is a variable that the platform sets; take another name"
	case !envName.MatchString(name):
		return "is not a name for an environment variable; use letters, digits and underscores, and no digit first"
	}
	return ""
}
