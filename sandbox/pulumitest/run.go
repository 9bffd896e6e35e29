package pulumitest

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Run runs a program under the recorder, as project "platform".
func Run(r *Recorder, stack string, config map[string]string, program pulumi.RunFunc) error {
	return pulumi.RunErr(program, pulumi.WithMocks("platform", stack, r), func(info *pulumi.RunInfo) {
		info.Config, info.DryRun = config, r.Preview
		for key := range config {
			if key != "platform:settings" && !slices.Contains(r.Plain, key) {
				info.ConfigSecretKeys = append(info.ConfigSecretKeys, key)
			}
		}
	})
}

// Providers are what components get from the stack, for tests of one component.
func Providers(ctx *pulumi.Context, packages ...string) (pulumi.ResourceOption, error) {
	var out []pulumi.ProviderResource
	for _, name := range packages {
		var p anyProvider
		if err := ctx.RegisterResource("pulumi:providers:"+name, name, pulumi.Map{}, &p); err != nil {
			return nil, err
		}
		out = append(out, &p)
	}
	return pulumi.Providers(out...), nil
}

type anyProvider struct{ pulumi.ProviderResourceState }
