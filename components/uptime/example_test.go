package uptime_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/uptime"
)

// A check of shop.example.com with its two alerts. It costs $1 a month.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		_, err := uptime.New(ctx, "shop", uptime.Args{
			Email: "sre@example.com", Checks: []uptime.Check{{Name: "app", URL: "https://shop.example.com/healthz"}},
		})
		return err
	})
}
