package ingress_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/ingress"
)

// Two replicas of Traefik behind a load balancer of DigitalOcean.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		shop, err := ingress.New(ctx, "shop", ingress.Args{
			Pods: components.Pods{
				Replicas: 2, Surge: 1, Spread: true,
				Request: components.Resources{MilliCPU: 50, MiB: 96}, Limit: components.Resources{MiB: 192},
			},
			TrustedRange: "10.20.0.0/20",
		})
		if err != nil {
			return err
		}
		ctx.Export("address", shop.Address)
		return nil
	})
}
