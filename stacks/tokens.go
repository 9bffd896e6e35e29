package stacks

import (
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/settings"
)

// token is a cloud's credential. It is read from the environment only. In the stack's
// configuration it would get into the state, and doctl, which logs in to the cluster, would
// not find it.
type token struct {
	// variable is the environment variable that has the token. refused is the configuration
	// key that must not have it.
	variable, refused string
}

var (
	// digitalOceanToken is read by the provider and by doctl.
	digitalOceanToken = token{"DIGITALOCEAN_ACCESS_TOKEN", "digitalocean:token"}
	cloudflareToken   = token{"CLOUDFLARE_API_TOKEN", "cloudflare:apiToken"}
)

// otherDigitalOceanToken is another variable for the token. The provider prefers it, and doctl
// does not read it.
const otherDigitalOceanToken = "DIGITALOCEAN_TOKEN"

// cloudTokens returns an error for each token that the stack needs and the environment does
// not have.
func cloudTokens(ctx *pulumi.Context, s settings.Settings) error {
	faults := []error{cloudflareToken.check(ctx)}
	if s.Cluster.Kind == settings.DigitalOcean || s.Database.Kind == settings.DigitalOcean {
		faults = append(faults, digitalOceanToken.check(ctx))
		if other := os.Getenv(otherDigitalOceanToken); other != "" && other != os.Getenv(digitalOceanToken.variable) {
			faults = append(faults, fmt.Errorf("%s: is not the token in %s; the provider would use one and doctl the other. Run: unset %[1]s",
				otherDigitalOceanToken, digitalOceanToken.variable))
		}
	}
	return errors.Join(faults...)
}

func (t token) check(ctx *pulumi.Context) error {
	if _, set := ctx.GetConfig(t.refused); set {
		return fmt.Errorf("%s: is in the stack's configuration; tokens are read from the environment alone. Run: pulumi config rm %[1]s, then export %s",
			t.refused, t.variable)
	}
	if os.Getenv(t.variable) == "" {
		return fmt.Errorf("%s: is not set; export it (README.md says which rights the token needs)", t.variable)
	}
	return nil
}
