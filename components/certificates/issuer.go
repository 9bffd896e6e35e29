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

// directories are Let's Encrypt's, by the name of the issuer's environment.
var directories = map[string]string{
	"production": "https://acme-v02.api.letsencrypt.org/directory",
	"staging":    "https://acme-staging-v02.api.letsencrypt.org/directory",
}

// issue declares both issuers, so that a switch between them is one line, and the
// certificate by the chosen one.
func (a Args) issue(ctx *pulumi.Context, name string, parent, token pulumi.Resource) error {
	chosen := make(map[string]pulumi.Resource, len(directories))
	for _, environment := range []string{"production", "staging"} {
		issuer, err := apiextensions.NewCustomResource(ctx, name+"-"+environment, a.issuer(environment),
			pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{token}))
		if err != nil {
			return fmt.Errorf("issuer %q: %w", environment, err)
		}
		chosen[environment] = issuer
	}
	_, err := apiextensions.NewCustomResource(ctx, name+"-wildcard", a.certificate(),
		pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{chosen[a.Issuer]}), pulumi.Protect(a.Protect))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return nil
}

func issuerName(environment string) string { return "letsencrypt-" + environment }

func (a Args) issuer(environment string) *apiextensions.CustomResourceArgs {
	meta := kube.ClusterMeta(workload.CertManager, issuerName(environment))
	if environment == a.Issuer {
		// The other one is not waited for: an outage of Let's Encrypt's staging server
		// does not stop production.
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

// certificate covers the domain and all its subdomains. It is renewed when a
// third of its life is left: Let's Encrypt shortens that life, to 64 days from
// 2027-02 and 45 from 2028-02, so no number of days would stay right.
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

// awaitReady makes Pulumi wait until cert-manager says that it is done.
var awaitReady = pulumi.StringMap{"pulumi.com/waitFor": pulumi.String("condition=Ready")}
