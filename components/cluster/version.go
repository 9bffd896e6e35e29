package cluster

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newestPatch resolves a minor to the newest version of it that DigitalOcean
// offers: it offers the three latest minors only, so a version that is written
// down stops working one day.
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
