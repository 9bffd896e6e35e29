package dns_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/dns"
)

// The records of shop.example.com, grafana.shop.example.com and *.shop.example.com. The
// address is an output of the ingress component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		_, err := dns.New(ctx, "shop", dns.Args{
			Zone: "example.com", Domain: "shop.example.com", Address: pulumi.String("203.0.113.7"),
		})
		return err
	})
}
