package stacks

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/workload"
)

// declared is what a stack's configuration says: the settings, and the secrets
// that go with them.
type declared struct {
	settings.Settings
	// certManagerToken is a Cloudflare token that may edit the zone's records.
	certManagerToken string
	// kubeconfig of an existing cluster.
	kubeconfig string
	// databaseURL and databaseCA (PEM) of an external database, whose server
	// listens on databasePort; the app's role there is databaseRole.
	databaseURL, databaseCA string
	databasePort            int
	databaseRole            string
	// databaseAdminURL is the URL of a role that may create roles and schemas there:
	// databaseURL, unless the stack says otherwise.
	databaseAdminURL string
	// appSecrets are the app's secret variables and the login for its image.
	appSecrets settings.AppSecrets
}

// secret is a credential in the stack's configuration.
type secret struct {
	key, hint string
}

var (
	certManagerSecret      = secret{"platform:certManagerToken", " (a Cloudflare token that may edit the zone's records)"}
	kubeconfigSecret       = secret{"platform:kubeconfig", " (the contents of a kubeconfig file)"}
	databaseURLSecret      = secret{"platform:databaseUrl", " (postgresql://user:password@host:port/database)"}
	databaseAdminURLSecret = secret{"platform:databaseAdminUrl", " (as platform:databaseUrl, of a role that may create roles and schemas)"}
	databaseCASecret       = secret{"platform:databaseCa", " (the PEM certificate of the authority that signed the server's)"}
)

// read collects the stack's configuration. Its error holds every fault at once;
// no fault shows a secret's value.
func read(ctx *pulumi.Context) (declared, error) {
	text, ok := ctx.GetConfig(settings.Key)
	if !ok {
		return declared{}, fmt.Errorf("config %q is missing in Pulumi.%s.yaml; Pulumi.demo.yaml shows its shape", settings.Key, ctx.Stack())
	}
	s, err := settings.Load([]byte(text))
	if err != nil {
		return declared{}, errors.Join(err, cloudflareToken.check(ctx), plainSecrets(ctx))
	}
	d := declared{Settings: s}
	faults := []error{cloudTokens(ctx, s), plainSecrets(ctx)}
	want := func(into *string, from secret) {
		value, err := from.read(ctx)
		*into = value
		faults = append(faults, err)
	}
	faults = append(faults, d.readAppSecrets(ctx))
	d.certManagerToken = os.Getenv(cloudflareToken.variable)
	if _, given := ctx.GetConfig(certManagerSecret.key); given {
		want(&d.certManagerToken, certManagerSecret)
	}
	if s.Cluster.Kind == settings.Existing {
		want(&d.kubeconfig, kubeconfigSecret)
	}
	if s.Database.Kind == settings.External {
		want(&d.databaseURL, databaseURLSecret)
		want(&d.databaseCA, databaseCASecret)
		faults = append(faults, d.externalDatabase(ctx))
	}
	return d, errors.Join(faults...)
}

// plainSecrets reports every credential that was set without --secret: it is in the
// stack file and in the state for everyone to read.
func plainSecrets(ctx *pulumi.Context) error {
	var faults []error
	for _, key := range []string{
		certManagerSecret.key, kubeconfigSecret.key, databaseURLSecret.key, databaseAdminURLSecret.key, settings.AppEnvKey, settings.RegistryKey,
	} {
		// What is left of a map when its last entry was removed is an empty one.
		if value, set := ctx.GetConfig(key); set && value != "" && value != "{}" && !ctx.IsConfigSecret(key) {
			faults = append(faults, fmt.Errorf("%s: is in the stack file in plain text. Run: pulumi config rm %[1]s, set it again with --secret, "+
				"and replace the credential if the file was committed", key))
		}
	}
	return errors.Join(faults...)
}

func (s secret) read(ctx *pulumi.Context) (string, error) {
	if value, ok := ctx.GetConfig(s.key); ok && value != "" {
		return value, nil
	}
	return "", fmt.Errorf("%s: is missing%s; run: pulumi config set --secret %s", s.key, s.hint, s.key)
}

// externalDatabase checks the connection strings of a database that is not made
// here, and makes them check the server's certificate, whatever they said.
func (d *declared) externalDatabase(ctx *pulumi.Context) error {
	if d.databaseURL == "" {
		return nil // that it is missing has been said
	}
	u, port, err := verified(databaseURLSecret, d.databaseURL)
	if err != nil {
		return err
	}
	d.databaseURL, d.databasePort, d.databaseRole = u.String(), port, u.User.Username()
	d.databaseAdminURL = d.databaseURL
	admin, given := ctx.GetConfig(databaseAdminURLSecret.key)
	if !given {
		return nil
	}
	a, adminPort, err := verified(databaseAdminURLSecret, admin)
	if err != nil {
		return err
	}
	if a.Hostname() != u.Hostname() || adminPort != port || a.Path != u.Path {
		return fmt.Errorf("%s: leads to another server or database than %s", databaseAdminURLSecret.key, databaseURLSecret.key)
	}
	d.databaseAdminURL = a.String()
	return nil
}

// verified is a connection string that checks the server's certificate. The
// parser's error is not shown: it holds the password.
func verified(from secret, connection string) (*url.URL, int, error) {
	u, err := url.Parse(connection)
	if err != nil || u.Scheme != "postgresql" && u.Scheme != "postgres" || u.Hostname() == "" || u.User == nil ||
		strings.Trim(u.Path, "/") == "" {
		return nil, 0, fmt.Errorf("%s: is not of the form postgresql://user:password@host:port/database", from.key)
	}
	port := 5432
	if text := u.Port(); text != "" {
		if _, err := fmt.Sscanf(text, "%d", &port); err != nil {
			return nil, 0, fmt.Errorf("%s: its port is not a number", from.key)
		}
	}
	query := u.Query()
	query.Set("sslmode", "verify-full")
	query.Set("sslrootcert", workload.DatabaseCAPath)
	u.RawQuery = query.Encode()
	return u, port, nil
}

// secretString marks a credential for Pulumi.
func secretString(value string) pulumi.StringOutput {
	return pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
}
