package pooler_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/pooler"
)

// One pooler for one tenant. Admin and DatabaseCA are outputs of the postgres component, Seed
// and Verifiers of the tenants component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		_, err := pooler.New(ctx, "shop", pooler.Args{
			Tenants: []components.Tenant{{Name: "acme"}},
			Pods: components.Pods{
				Replicas: 1, Surge: 1,
				Request: components.Resources{MilliCPU: 25, MiB: 56}, Limit: components.Resources{MiB: 112},
				Sidecar: components.Share{
					Request: components.Resources{MilliCPU: 5, MiB: 24}, Limit: components.Resources{MiB: 48},
				},
			},
			Shared: 6, DatabaseRange: "10.20.0.0/20", DatabasePort: 25060,
			Admin:      pulumi.String("postgresql://doadmin:password@database.example.com:25060/app"),
			DatabaseCA: pulumi.String("PEM"), Seed: pulumi.String("a long random text"), Verifiers: pulumi.String(""),
		})
		return err
	})
}
