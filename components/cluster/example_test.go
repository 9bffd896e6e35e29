package cluster_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/cluster"
)

// A new cluster with two nodes. A program that runs again passes Live, from cluster.Lookup.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		shop, err := cluster.New(ctx, "shop", cluster.Args{
			Stack: ctx.Stack(), Region: "fra1", Version: "1.36", NodeSize: "s-2vcpu-4gb", NodeCount: 2,
			VPCRange: "10.20.0.0/20", PodRange: "10.120.0.0/16", ServiceRange: "10.121.0.0/19",
			MaintenanceDay: "sunday", MaintenanceHour: "03:00",
		})
		if err != nil {
			return err
		}
		ctx.Export("kubeconfig", shop.Kubeconfig)
		return nil
	})
}
