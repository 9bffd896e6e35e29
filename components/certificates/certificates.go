// Package certificates declares cert-manager, one issuer for each of Let's Encrypt's
// environments, and the stack's wildcard certificate. cert-manager answers the DNS-01
// challenge in a Cloudflare zone.
//
// Let's Encrypt sends no e-mail before a certificate expires; it stopped in 2025. The
// dashboard of the monitoring component shows the remaining life.
package certificates

import (
	"errors"
	"fmt"
	"slices"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

const typeToken = "platform:certificates:Certificates"

// ChartVersion is the version of the cert-manager chart, released 2026. It supports
// Kubernetes 1.33 to 1.36.
const ChartVersion = "v1.21.2"

const tokenSecret = "cloudflare-api-token"

// Args are the arguments of New. All but Protect and the sizes are required.
type Args struct {
	// Domain is a host name. The certificate covers it and all names one label below it.
	Domain string
	// Email is the contact of the Let's Encrypt account. Its host must receive mail:
	// Let's Encrypt refuses example.com.
	Email string
	// Protect refuses to delete the certificate.
	Protect bool
	// Issuer is Let's Encrypt's environment: "production" or "staging". Browsers do not
	// trust the certificates of staging.
	Issuer string
	// Chart is the oci:// or https:// address of the cert-manager chart or of a mirror. It
	// ends in the chart's name.
	Chart string
	// CertManager, CAInjector and Webhook size the three Deployments of cert-manager.
	CertManager, CAInjector, Webhook components.Pods
	// CloudflareToken may edit the records of the zone that has Domain. Secret.
	CloudflareToken pulumi.StringInput
	// Namespace is where the certificate's Secret is created: that of the ingress
	// controller, which must exist (ingress.Ingress.Namespace).
	Namespace pulumi.StringInput
	// Quotas limits what the component's namespaces may request. Nil sets no limits.
	Quotas components.Quotas
}

// Certificates is the component. It has no outputs.
type Certificates struct {
	pulumi.ResourceState
}

// New declares cert-manager, the issuers and the certificate. If args are invalid it
// returns all faults and registers nothing.
//
// One `pulumi up` is enough. The Helm release is complete when the chart's startup check
// has reached the webhook, the issuers depend on the release, and the certificate depends
// on its issuer.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Certificates, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("certificates %q: %w", name, err)
	}
	c := &Certificates{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), c, opts...); err != nil {
		return nil, fmt.Errorf("certificates %q: register: %w", name, err)
	}
	release, err := args.manager(ctx, name, c)
	if err != nil {
		return nil, fmt.Errorf("certificates %q: %w", name, err)
	}
	token, err := corev1.NewSecret(ctx, name+"-"+tokenSecret, &corev1.SecretArgs{
		Metadata:   kube.Meta(workload.CertManager, tokenSecret),
		StringData: pulumi.StringMap{"token": pulumi.ToSecret(args.CloudflareToken).(pulumi.StringOutput)},
	}, pulumi.Parent(c), pulumi.DependsOn([]pulumi.Resource{release}))
	if err != nil {
		return nil, fmt.Errorf("certificates %q: token: %w", name, err)
	}
	if err := args.issue(ctx, name, c, token); err != nil {
		return nil, fmt.Errorf("certificates %q: %w", name, err)
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{})
}

// manager declares cert-manager in its own namespace.
func (a Args) manager(ctx *pulumi.Context, name string, parent pulumi.Resource) (*Release, error) {
	namespace, err := kube.Namespace(ctx, workload.CertManagerNamespace, kube.Restricted, a.Quotas, pulumi.Parent(parent))
	if err != nil {
		return nil, err
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(parent), pulumi.DependsOn(namespace.Ready)}
	policies, err := registerPolicies(ctx, inside)
	if err != nil {
		return nil, err
	}
	// The chart's startup check needs the policies: without them no connection is allowed.
	release := &Release{}
	err = ctx.RegisterResource("kubernetes:helm.sh/v3:Release", name+"-cert-manager", a.ReleaseInputs(), release,
		pulumi.Parent(parent), pulumi.DependsOn(slices.Concat(namespace.Ready, policies)))
	if err != nil {
		return nil, fmt.Errorf("release: %w", err)
	}
	return release, nil
}

func (a Args) validate() error {
	var errs []error
	for _, required := range []struct{ path, value string }{
		{"domain", a.Domain}, {"email", a.Email}, {"chart", a.Chart},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("%s: is missing", required.path))
		}
	}
	if _, ok := directories[a.Issuer]; !ok {
		errs = append(errs, fmt.Errorf("issuer: %q is neither production nor staging", a.Issuer))
	}
	errs = append(errs, kube.Required("cloudflareToken", a.CloudflareToken))
	errs = append(errs, kube.Required("namespace", a.Namespace))
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{"domain": pulumi.String(a.Domain), "issuer": pulumi.String(a.Issuer), "chart": pulumi.String(a.Chart)}
}
