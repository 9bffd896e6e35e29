package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// All providers are constructed in this file, because the stack files disable the default
// providers. Their inputs do not have the clouds' tokens: each provider reads its token from
// the environment. So the state has no token, and another token, for example one that may
// only read, is not a change.

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

// kubernetesProvider returns a provider for the cluster of a kubeconfig. The identifier
// identifies the cluster: as long as it is the same, a changed kubeconfig replaces no object.
// An empty context is the current context of the kubeconfig.
func kubernetesProvider(ctx *pulumi.Context, kubeconfig pulumi.StringInput, context string, identifier pulumi.StringInput) (pulumi.ProviderResource, error) {
	args := &kubernetes.ProviderArgs{
		Kubeconfig:            kubeconfig.ToStringOutput(),
		ClusterIdentifier:     identifier.ToStringOutput(),
		EnableServerSideApply: pulumi.Bool(true),
		// Without these two, a change of data deletes the object and creates it again. A Pod
		// that starts in between does not find it.
		EnableSecretMutable:    pulumi.Bool(true),
		EnableConfigMapMutable: pulumi.Bool(true),
		// Adopts objects that a killed run created and that are not in the state.
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
