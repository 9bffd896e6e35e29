package cluster

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// version returns the version to declare, and whether the running cluster keeps its own. It
// keeps its version if that has the declared minor or a newer one: DigitalOcean installs
// patches in the maintenance window, and forces an upgrade when a minor is no longer
// supported. DigitalOcean may no longer offer a version that is kept.
func (a Args) version(ctx *pulumi.Context, opts ...pulumi.InvokeOption) (version string, keep bool, err error) {
	if a.Live != nil && minorOf(a.Live.Version) >= minorOf(a.Version) {
		return a.Live.Version, true, nil
	}
	version, err = newestPatch(ctx, a.Version, opts...)
	return version, false, err
}

// checkVersion refuses a minor that is older than that of the last update, because the
// provider would replace the cluster. It also refuses to skip a minor.
func (a Args) checkVersion() error {
	if a.Live != nil && minorOf(a.Version) > minorOf(a.Live.Version)+1 {
		return fmt.Errorf("settings.cluster.version: the running cluster has %s, and Kubernetes is upgraded one minor at a time. Write \"1.%d\" first",
			a.Live.Version, minorOf(a.Live.Version)+1)
	}
	if a.LastVersion == "" || minorOf(a.Version) >= minorOf(a.LastVersion) {
		return nil
	}
	return fmt.Errorf("settings.cluster.version: %q is older than %q, the version of the last update. A cluster cannot be downgraded. Write %[2]q",
		a.Version, a.LastVersion)
}

// minorOf returns the number after the first dot, for example 36 for "1.36" and for
// "1.36.1-do.0". It returns 0 if there is none.
func minorOf(version string) int {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return 0
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return minor
}

// newestPatch returns the newest version of a minor that DigitalOcean offers. DigitalOcean
// offers the three latest minors only.
func newestPatch(ctx *pulumi.Context, minor string, opts ...pulumi.InvokeOption) (string, error) {
	offered, err := digitalocean.GetKubernetesVersions(ctx, &digitalocean.GetKubernetesVersionsArgs{}, opts...)
	if err != nil {
		return "", err
	}
	for _, version := range offered.ValidVersions { // newest first
		if strings.HasPrefix(version, minor+".") {
			return version, nil
		}
	}
	return "", fmt.Errorf("DigitalOcean offers no %s; set settings.cluster.version to the minor of one of: %s",
		minor, strings.Join(offered.ValidVersions, ", "))
}
