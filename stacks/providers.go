package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Providers are constructed here and nowhere else: the stack files turn the
// default ones off. The clouds' tokens are not among their inputs: each provider
// reads its own from the environment. So no token is in the state, and a run with
// another token, such as one that may only read, is no change.

func digitalOceanProvider(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	p, err := digitalocean.NewProvider(ctx, "digitalocean", &digitalocean.ProviderArgs{})
	if err != nil {
		return nil, fmt.Errorf("provider digitalocean: %w", err)
	}
	return p, nil
}

func cloudflareProvider(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	p, err := cloudflare.NewProvider(ctx, "cloudflare", &cloudflare.ProviderArgs{})
	if err != nil {
		return nil, fmt.Errorf("provider cloudflare: %w", err)
	}
	return p, nil
}

func randomProvider(ctx *pulumi.Context) (pulumi.ProviderResource, error) {
	p, err := random.NewProvider(ctx, "random", &random.ProviderArgs{})
	if err != nil {
		return nil, fmt.Errorf("provider random: %w", err)
	}
	return p, nil
}

// kubernetesProvider talks to the cluster of a kubeconfig. The identifier says
// which cluster that is: as long as it stays the same, a kubeconfig that changes
// is the same cluster's, and not one object is replaced.
func kubernetesProvider(ctx *pulumi.Context, kubeconfig pulumi.StringInput, context string, identifier pulumi.StringInput) (pulumi.ProviderResource, error) {
	args := &kubernetes.ProviderArgs{
		Kubeconfig:            kubeconfig.ToStringOutput(),
		ClusterIdentifier:     identifier.ToStringOutput(),
		EnableServerSideApply: pulumi.Bool(true),
		// Without these two a change of data deletes the object and makes it anew, and
		// a Pod that starts meanwhile does not find it.
		EnableSecretMutable:    pulumi.Bool(true),
		EnableConfigMapMutable: pulumi.Bool(true),
		// What a killed run made and the state does not know is adopted.
		UpsertExistingObjects: pulumi.Bool(true),
	}
	if context != "" {
		args.Context = pulumi.String(context)
	}
	p, err := kubernetes.NewProvider(ctx, "kubernetes", args)
	if err != nil {
		return nil, fmt.Errorf("provider kubernetes: %w", err)
	}
	return p, nil
}
