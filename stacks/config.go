package stacks

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/settings"
)

// config is a stack's configuration: the settings, and the secrets that go with them.
type config struct {
	settings.Settings
	// certManagerToken is a Cloudflare token that may edit the zone's records.
	certManagerToken string
	// kubeconfig is the text of an existing cluster's kubeconfig.
	kubeconfig string
	// databaseURL and databaseCA (PEM) are those of an external database. databasePort and
	// databaseRole, the app's role, are parts of databaseURL.
	databaseURL, databaseCA string
	databasePort            int
	databaseRole            string
	// databaseAdminURL is the URL of a role that may create roles and schemas in the
	// external database. Default: databaseURL.
	databaseAdminURL string
	// alertSecrets are the addresses and the password with which people are told of alerts.
	alertSecrets alertSecrets
	// appSecrets are the app's secret variables and the login for its image.
	appSecrets settings.AppSecrets
}

// secret is a credential in the stack's configuration: its key, and what its value must be.
type secret struct {
	key, hint string
}

var (
	certManagerSecret      = secret{settings.CertManagerTokenKey, " (a Cloudflare token that may edit the zone's records)"}
	kubeconfigSecret       = secret{settings.KubeconfigKey, " (the contents of a kubeconfig file)"}
	databaseURLSecret      = secret{settings.DatabaseURLKey, " (postgresql://user:password@host:port/database)"}
	databaseAdminURLSecret = secret{settings.DatabaseAdminURLKey, " (as platform:databaseUrl, of a role that may create roles and schemas)"}
	databaseCASecret       = secret{settings.DatabaseCAKey, " (the PEM certificate of the authority that signed the server's)"}
)

// read returns the stack's configuration. Its error has all faults, and no secret's value.
func read(ctx *pulumi.Context) (config, error) {
	s, err := readSettings(ctx)
	if err != nil {
		return config{}, errors.Join(err, cloudflareToken.check(ctx), plainSecrets(ctx))
	}
	c := config{Settings: s}
	faults := []error{cloudTokens(ctx, s), plainSecrets(ctx)}
	readSecret := func(into *string, from secret) {
		value, err := from.read(ctx)
		*into = value
		faults = append(faults, err)
	}
	faults = append(faults, c.readAppSecrets(ctx), c.readAlertSecrets(ctx))
	c.certManagerToken = os.Getenv(cloudflareToken.variable)
	if _, given := ctx.GetConfig(certManagerSecret.key); given {
		readSecret(&c.certManagerToken, certManagerSecret)
	}
	if s.Cluster.Kind == settings.Existing {
		readSecret(&c.kubeconfig, kubeconfigSecret)
	}
	if s.Database.Kind == settings.External {
		readSecret(&c.databaseURL, databaseURLSecret)
		readSecret(&c.databaseCA, databaseCASecret)
		faults = append(faults, c.externalDatabase(ctx))
	}
	return c, errors.Join(faults...)
}

// readSettings returns the settings. Like cmd/plan, it refuses encrypted settings, and keys of
// this program that nothing reads.
func readSettings(ctx *pulumi.Context) (settings.Settings, error) {
	if ctx.IsConfigSecret(settings.Key) {
		return settings.Settings{}, fmt.Errorf("%s: is encrypted, and cmd/plan cannot read that. Write it in plain text, and put secrets of the app into %s", settings.Key, settings.AppEnvKey)
	}
	keys, err := configKeys()
	if err != nil {
		return settings.Settings{}, err
	}
	s, err := settings.LoadConfig(func(key string) (string, bool) {
		if text, ok := ctx.GetConfig(key); ok {
			return text, true
		}
		// A key without a prefix in the stack file has the name of the project as its prefix.
		_, name, _ := strings.Cut(key, ":")
		return ctx.GetConfig(ctx.Project() + ":" + name)
	})
	return s, errors.Join(err, settings.CheckKeys(keys))
}

// configKeys returns the keys of the stack's configuration. pulumi.Context cannot list them, so
// they are from the variable that Pulumi sets for the program.
func configKeys() ([]string, error) {
	text := os.Getenv(pulumi.EnvConfig)
	if text == "" {
		return nil, nil
	}
	var config map[string]string
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return nil, errors.New(pulumi.EnvConfig + " is not a JSON object of texts, as Pulumi writes it; run the program with `pulumi up`")
	}
	return slices.Sorted(maps.Keys(config)), nil
}

// plainSecrets returns an error for each credential that was set without --secret. Everybody
// who can read the stack file or the state can read such a credential.
func plainSecrets(ctx *pulumi.Context) error {
	var faults []error
	for _, key := range settings.SecretKeys() {
		if key == databaseCASecret.key {
			continue // a certificate is public
		}
		// `pulumi config rm --path` leaves an empty map when it removes the last entry.
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

// externalDatabase checks the connection strings of an external database. It sets
// sslmode=verify-full in them, whatever sslmode they had.
func (c *config) externalDatabase(ctx *pulumi.Context) error {
	if c.databaseURL == "" {
		return nil // read has reported that it is missing
	}
	u, err := verified(databaseURLSecret, c.databaseURL)
	if err != nil {
		return err
	}
	c.databaseURL, c.databasePort, c.databaseRole = u.String(), u.Port, u.User
	c.databaseAdminURL = c.databaseURL
	text, given := ctx.GetConfig(databaseAdminURLSecret.key)
	if !given {
		return nil
	}
	admin, err := verified(databaseAdminURLSecret, text)
	if err != nil {
		return err
	}
	if admin.Host != u.Host || admin.Port != u.Port || admin.Database != u.Database {
		return fmt.Errorf("%s: has another server, port or database than %s; they must be the same", databaseAdminURLSecret.key, databaseURLSecret.key)
	}
	c.databaseAdminURL = admin.String()
	return nil
}

// verified parses a connection string and sets sslmode=verify-full in it.
func verified(from secret, text string) (pgurl.URL, error) {
	u, err := pgurl.Parse(text)
	if err != nil {
		return pgurl.URL{}, fmt.Errorf("%s: %w", from.key, err)
	}
	return u.Verified(), nil
}

// secretString returns a credential as a secret output.
func secretString(value string) pulumi.StringOutput {
	return pulumi.ToSecret(pulumi.String(value)).(pulumi.StringOutput)
}
