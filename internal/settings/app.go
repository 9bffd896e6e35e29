package settings

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/distribution/reference"
)

func (a App) validate(f *Faults) {
	a.validateImage(f)
	portBounds.within(f, "app.port", a.Port)
	for path, value := range map[string]string{
		"app.healthPath": a.HealthPath, "app.readyPath": a.ReadyPath, "app.metricsPath": a.MetricsPath,
	} {
		validatePath(f, path, value)
	}
	if a.WebAnalytics != "" && !webAnalyticsToken.MatchString(a.WebAnalytics) {
		f.add("app.webAnalytics", "%q is not a token of 32 hexadecimal digits (0-9, a-f), as in the snippet that Cloudflare shows", a.WebAnalytics)
	}
	replicaBounds.within(f, "app.replicas", a.Replicas)
	responseBounds.within(f, "app.responseKiB", a.ResponseKiB)
	connectionBounds.within(f, "app.databasePool", a.DatabasePool)
	cpuQuantities.within(f, "app.cpu", a.CPU)
	memoryQuantities.within(f, "app.memory", a.Memory)
	a.validateEnv(f)
}

// validateImage parses the image as the container runtime does.
func (a App) validateImage(f *Faults) {
	named, err := reference.ParseNormalizedNamed(a.Image)
	if err != nil || !isPort(reference.Domain(named)) {
		f.add("app.image", "%q is not an image such as ghcr.io/acme/app:1.2.3", a.Image)
		return
	}
	tagged, hasTag := named.(reference.Tagged)
	_, hasDigest := named.(reference.Digested)
	if !hasDigest && (!hasTag || tagged.Tag() == "latest") {
		f.add("app.image", "%q has no exact version; add an exact tag or a digest", a.Image)
	}
}

// isPort reports whether a registry has no port, or a TCP port. The grammar allows any number.
func isPort(registry string) bool {
	_, port, ok := strings.Cut(registry, ":")
	n, err := strconv.Atoi(port)
	return !ok || err == nil && n >= 1 && n <= 65535
}

// validatePath allows what can stand in the first line of an HTTP request as it is.
func validatePath(f *Faults, path, value string) {
	u, err := url.ParseRequestURI(value)
	if err != nil || !strings.HasPrefix(value, "/") || strings.HasPrefix(value, "//") || u.RequestURI() != value || strings.Contains(value, "#") {
		f.add(path, "%q is not the path of a URL such as /healthz; start with one slash, and write %%20 for a space", value)
	}
}

// validateEnv adds the faults of the variables that are no secrets.
func (a App) validateEnv(f *Faults) {
	for name, value := range a.Env {
		path := "app.env." + name
		switch problem := envNameProblem(name); {
		case problem != "":
			f.add(path, "%s", problem)
		case strings.Contains(value, "\x00"):
			f.add(path, "contains a zero byte, and an environment variable cannot")
		case len(name)+len("=")+len(value) >= mostVariableBytes:
			f.add(path, "has %d bytes, and Linux starts no container with a variable of more than %d; mount a file, or store it elsewhere", len(value), mostVariableBytes)
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
