package postgres_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/postgres"
)

// The smallest database. VPC and Cluster are outputs of the cluster component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		shop, err := postgres.New(ctx, "shop", postgres.Args{
			Region: "fra1", Version: "17", Size: "db-s-1vcpu-1gb", Nodes: 1,
			MaintenanceDay: "sunday", MaintenanceHour: "03:00",
			VPC: pulumi.String("VPC-UUID"), Cluster: pulumi.String("CLUSTER-UUID"), PodRange: "10.120.0.0/16",
		})
		if err != nil {
			return err
		}
		ctx.Export("url", shop.URL)
		return nil
	})
}
