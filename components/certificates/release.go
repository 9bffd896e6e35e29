package certificates

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/workload"
)

// Release is a Helm release. It is a local binding: the SDK's package for it (helm/v3)
// imports every API group of Kubernetes and doubles the time of a cold build.
type Release struct {
	pulumi.CustomResourceState
}

// timeoutSeconds is how long the release may take. It includes pulling three images and
// the chart's startup check of the webhook.
const timeoutSeconds = 600

// ReleaseInputs returns the inputs of the release: all that it may have (internal/meter). It
// uses Chart and the sizes. Chart is an oci:// address, or an https:// address whose last
// segment is the chart and the rest its repository.
func (a Args) ReleaseInputs() pulumi.Map {
	inputs := pulumi.Map{
		"name":        pulumi.String(workload.CertManager.Name),
		"namespace":   pulumi.String(workload.CertManager.Namespace),
		"chart":       pulumi.String(a.Chart),
		"version":     pulumi.String(ChartVersion),
		"values":      a.values(),
		"timeout":     pulumi.Int(timeoutSeconds),
		"waitForJobs": pulumi.Bool(true),
		// Helm removes a failed installation, so the next `pulumi up` can install again.
		"atomic": pulumi.Bool(true),
	}
	if !strings.HasPrefix(a.Chart, "oci://") {
		cut := strings.LastIndex(a.Chart, "/")
		inputs["chart"] = pulumi.String(a.Chart[cut+1:])
		inputs["repositoryOpts"] = pulumi.Map{"repo": pulumi.String(a.Chart[:cut])}
	}
	return inputs
}
