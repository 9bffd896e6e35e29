package pulumitest

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Run runs a program with the recorder as its engine, in the project "platform". config has
// the stack's configuration by full key, such as "platform:settings".
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

// Providers registers a provider for each package and returns the option that passes them
// to a component, as the stack does.
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
