package certificates

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apiextensions"
	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/routes"
	"github.com/genericcorp/platform/internal/workload"
)

const apiVersion = "cert-manager.io/v1"

// directories has the URL of each of Let's Encrypt's ACME directories by environment.
var directories = map[string]string{
	"production": "https://acme-v02.api.letsencrypt.org/directory",
	"staging":    "https://acme-staging-v02.api.letsencrypt.org/directory",
}

// issue declares both issuers and the certificate, which the issuer of a.Issuer signs. A
// switch to the other issuer then changes the certificate alone.
func (a Args) issue(ctx *pulumi.Context, name string, parent, token pulumi.Resource) error {
	issuers := make(map[string]pulumi.Resource, len(directories))
	for _, environment := range []string{"production", "staging"} {
		issuer, err := apiextensions.NewCustomResource(ctx, name+"-"+environment, a.issuer(environment),
			pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{token}))
		if err != nil {
			return fmt.Errorf("issuer %q: %w", environment, err)
		}
		issuers[environment] = issuer
	}
	_, err := apiextensions.NewCustomResource(ctx, name+"-wildcard", a.certificate(),
		pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{issuers[a.Issuer]}), pulumi.Protect(a.Protect))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

func issuerName(environment string) string { return "letsencrypt-" + environment }

func (a Args) issuer(environment string) *apiextensions.CustomResourceArgs {
	meta := kube.ClusterMeta(workload.CertManager, issuerName(environment))
	if environment == a.Issuer {
		// Pulumi waits for this issuer only, so an outage of the other environment's
		// server does not stop an update.
		meta.Annotations = awaitReady
	}
	return &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String(apiVersion), Kind: pulumi.String("ClusterIssuer"), Metadata: meta,
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{"acme": pulumi.Map{
			"server":              pulumi.String(directories[environment]),
			"email":               pulumi.String(a.Email),
			"privateKeySecretRef": pulumi.Map{"name": pulumi.String(issuerName(environment) + "-account")},
			"solvers": pulumi.Array{pulumi.Map{"dns01": pulumi.Map{"cloudflare": pulumi.Map{
				"apiTokenSecretRef": pulumi.Map{"name": pulumi.String(tokenSecret), "key": pulumi.String("token")},
			}}}},
		}}},
	}
}

// certificate returns the wildcard certificate. It is renewed when 33 % of its life is
// left. A number of days would become wrong: Let's Encrypt shortens the life to 64 days
// from 2027-02 and to 45 days from 2028-02.
func (a Args) certificate() *apiextensions.CustomResourceArgs {
	meta := &metav1.ObjectMetaArgs{
		Name: pulumi.String(routes.TLSSecret), Namespace: a.Namespace.ToStringOutput(),
		Labels: kube.Labels(workload.CertManager.Name), Annotations: awaitReady,
	}
	return &apiextensions.CustomResourceArgs{
		ApiVersion: pulumi.String(apiVersion), Kind: pulumi.String("Certificate"), Metadata: meta,
		OtherFields: kubernetes.UntypedArgs{"spec": pulumi.Map{
			"secretName":            pulumi.String(routes.TLSSecret),
			"dnsNames":              pulumi.ToStringArray([]string{a.Domain, "*." + a.Domain}),
			"renewBeforePercentage": pulumi.Int(33),
			"privateKey": pulumi.Map{
				"algorithm": pulumi.String("ECDSA"), "size": pulumi.Int(256), "rotationPolicy": pulumi.String("Always"),
			},
			"issuerRef": pulumi.Map{
				"group": pulumi.String("cert-manager.io"), "kind": pulumi.String("ClusterIssuer"),
				"name": pulumi.String(issuerName(a.Issuer)),
			},
		}},
	}
}

// awaitReady makes Pulumi wait until cert-manager sets the condition Ready.
var awaitReady = pulumi.StringMap{"pulumi.com/waitFor": pulumi.String("condition=Ready")}
