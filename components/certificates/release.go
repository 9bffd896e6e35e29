package certificates

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Release is a Helm release. It is a local binding: the SDK's package for it (helm/v3)
// imports every API group of Kubernetes and doubles the time of a cold build.
type Release struct {
	pulumi.CustomResourceState
}

type releaseArgs struct {
	// Name is the release's name in the cluster; Namespace is where it is installed.
	Name, Namespace string
	// Chart is an oci:// address, or an https:// address whose last segment is the chart
	// and the rest its repository.
	Chart, Version string
	Values         pulumi.Map
}

// timeoutSeconds is how long the release may take. It includes pulling three images and
// the chart's startup check of the webhook.
const timeoutSeconds = 600

func newRelease(ctx *pulumi.Context, name string, args releaseArgs, opts ...pulumi.ResourceOption) (*Release, error) {
	r := &Release{}
	err := ctx.RegisterResource("kubernetes:helm.sh/v3:Release", name, args.inputs(), r, opts...)
	return r, err
}

func (a releaseArgs) inputs() pulumi.Map {
	inputs := pulumi.Map{
		"name":        pulumi.String(a.Name),
		"namespace":   pulumi.String(a.Namespace),
		"chart":       pulumi.String(a.Chart),
		"version":     pulumi.String(a.Version),
		"values":      a.Values,
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
