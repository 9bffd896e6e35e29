package app_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/app"
)

// The app of a shop, without tenants. The database's URL and CA are outputs of the postgres
// component, and the namespace is one of the ingress component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		_, err := app.New(ctx, "shop", app.Args{
			Image: "ghcr.io/acme/shop:1.0.0", Port: 9898,
			HealthPath: "/healthz", ReadyPath: "/readyz", MetricsPath: "/metrics",
			Domain: "shop.example.com",
			Pods: components.Pods{
				Replicas: 2, Surge: 1, Spread: true,
				Request: components.Resources{MilliCPU: 100, MiB: 128}, Limit: components.Resources{MiB: 256},
			},
			DatabaseURL: pulumi.String("postgresql://app:password@database.example.com:25060/app"), DatabaseCA: pulumi.String("PEM"),
			DatabaseRange: "10.20.0.0/20", DatabasePort: 25060,
			IngressNamespace: pulumi.String("ingress"),
		})
		return err
	})
}
