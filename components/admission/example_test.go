package admission_test

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/admission"
)

// One load balancer with one node, and claims in the namespace "shop".
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		_, err := admission.New(ctx, "shop", admission.Args{
			LoadBalancer: "ingress/traefik", Nodes: 1,
			Namespaces: []string{"shop"}, Classes: []string{"do-block-storage"},
		})
		return err
	})
}
