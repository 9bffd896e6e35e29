package tenants_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/tenants"
)

// One tenant with an archive. Admin and CA are outputs of the postgres component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		job := components.Pods{
			Replicas: 1,
			Request:  components.Resources{MilliCPU: 10, MiB: 32}, Limit: components.Resources{MiB: 128},
		}
		withArchive := job
		withArchive.VolumeGiB = 5
		shop, err := tenants.New(ctx, "shop", tenants.Args{
			Tenants: []components.Tenant{{Name: "acme", Plan: "growth"}},
			AppRole: "app", AppConnections: 6, Version: "17", Pods: withArchive, Scheduled: job, Usage: job, MetricsDays: 30,
			DatabaseRange: "10.20.0.0/20", DatabasePort: 25060,
			Admin: pulumi.String("postgresql://doadmin:password@database.example.com:25060/app"), CA: pulumi.String("PEM"),
		})
		if err != nil {
			return err
		}
		// The last Job comes after everything else that the program declares.
		_, err = shop.Confirm(ctx, "shop", pulumi.DependsOn([]pulumi.Resource{shop}))
		return err
	})
}
