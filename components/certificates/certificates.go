// Package certificates declares cert-manager, Let's Encrypt's two issuers and
// the stack's wildcard certificate, by DNS-01 through Cloudflare.
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

// ChartVersion is cert-manager's, released 2026; it supports Kubernetes 1.33-1.36.
const ChartVersion = "v1.21.2"

const tokenSecret = "cloudflare-api-token"

// Args say for which hosts, and who signs.
type Args struct {
	// Domain gets a certificate for itself and its subdomains.
	Domain string
	// Email is the contact of the Let's Encrypt account.
	Email string
	// Protect refuses to delete the certificate.
	Protect bool
	// Issuer is "production" or "staging".
	Issuer string
	// Chart is the address of the cert-manager chart.
	Chart string
	// CertManager, CAInjector and Webhook size cert-manager's three Deployments.
	CertManager, CAInjector, Webhook components.Pods
	// CloudflareToken may edit the zone's records. Secret.
	CloudflareToken pulumi.StringInput
	// Namespace is where the certificate's Secret goes.
	Namespace pulumi.StringInput
}

// Certificates is the component.
type Certificates struct {
	pulumi.ResourceState
}

// New declares cert-manager and what it issues; invalid args register nothing.
//
// One `pulumi up` brings it up: the release is done when the chart's own start-up
// check has seen the webhook answer, the issuers wait for the release, and the
// certificate for its issuer.
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

// manager declares cert-manager in a namespace of its own.
func (a Args) manager(ctx *pulumi.Context, name string, parent pulumi.Resource) (*Release, error) {
	ns, err := kube.Namespace(ctx, workload.CertManagerNamespace, kube.Restricted, pulumi.Parent(parent))
	if err != nil {
		return nil, err
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{ns})}
	policies, err := registerPolicies(ctx, inside)
	if err != nil {
		return nil, err
	}
	// The start-up check needs the policies: without them nothing may talk.
	release, err := newRelease(ctx, name+"-cert-manager", releaseArgs{
		Name: workload.CertManager.Name, Namespace: workload.CertManager.Namespace,
		Chart: a.Chart, Version: ChartVersion, Values: a.values(),
	}, pulumi.Parent(parent), pulumi.DependsOn(slices.Concat([]pulumi.Resource{ns}, policies)))
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
