package stacks

import (
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/settings"
)

// token is a cloud's credential. It is read from the environment alone: in the
// stack's configuration it would end up in the state, and doctl, which logs in to
// the cluster, would not find it.
type token struct {
	// variable holds it; refused is the key of the configuration that must not.
	variable, refused string
}

var (
	// digitalOceanToken is the variable that the provider and doctl both read.
	digitalOceanToken = token{"DIGITALOCEAN_ACCESS_TOKEN", "digitalocean:token"}
	cloudflareToken   = token{"CLOUDFLARE_API_TOKEN", "cloudflare:apiToken"}
)

// otherDigitalOceanToken is a second variable, which the provider prefers and
// doctl does not read.
const otherDigitalOceanToken = "DIGITALOCEAN_TOKEN"

// cloudTokens reports every token that the stack needs and the environment lacks.
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
