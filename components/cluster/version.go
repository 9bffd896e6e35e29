package cluster

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// version is what the cluster is declared to run, and whether it runs it already.
// A cluster keeps its version while that is of the declared minor or of a newer
// one: DigitalOcean installs patches in the maintenance window, and forces an
// upgrade when a minor goes out of support. A version that is kept need not be
// offered any more.
func (a Args) version(ctx *pulumi.Context, opts ...pulumi.InvokeOption) (version string, keep bool, err error) {
	if a.Live != nil && minorOf(a.Live.Version) >= minorOf(a.Version) {
		return a.Live.Version, true, nil
	}
	version, err = newestPatch(ctx, a.Version, opts...)
	return version, false, err
}

// admitsVersion refuses a minor that is older than that of the last update: the
// provider would replace the cluster.
func (a Args) admitsVersion() error {
	if a.Live != nil && minorOf(a.Version) > minorOf(a.Live.Version)+1 {
		return fmt.Errorf("settings.cluster.version: the running cluster has %s, and Kubernetes is upgraded one minor at a time. Write \"1.%d\" first",
			a.Live.Version, minorOf(a.Live.Version)+1)
	}
	if a.LastVersion == "" || minorOf(a.Version) >= minorOf(a.LastVersion) {
		return nil
	}
	return fmt.Errorf("settings.cluster.version: %q is older than %q, which the cluster was brought to. Kubernetes does not go back; write %[2]q",
		a.Version, a.LastVersion)
}

// minorOf is the number after the first dot, of "1.36" and "1.36.1-do.0" alike; 0
// when there is none.
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

// newestPatch resolves a minor to the newest version of it that DigitalOcean
// offers. It offers the three latest minors only.
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
