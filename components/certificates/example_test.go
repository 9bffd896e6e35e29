package certificates_test

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/components/certificates"
)

// A certificate for shop.example.com and *.shop.example.com. The namespace is an output of
// the ingress component.
func Example() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		small := components.Pods{
			Replicas: 1, Surge: 1,
			Request: components.Resources{MilliCPU: 10, MiB: 64}, Limit: components.Resources{MiB: 256},
		}
		_, err := certificates.New(ctx, "shop", certificates.Args{
			Domain: "shop.example.com", Email: "sre@genericcorp.com", Issuer: "staging",
			Chart:       "oci://quay.io/jetstack/charts/cert-manager",
			CertManager: small, CAInjector: small, Webhook: small,
			CloudflareToken: pulumi.String(os.Getenv("CLOUDFLARE_API_TOKEN")), Namespace: pulumi.String("ingress"),
		})
		return err
	})
}
