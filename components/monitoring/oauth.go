package monitoring

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/kube"
)

// The files of Grafana's Secret.
const (
	passwordFile = "password"
	oauthFile    = "oauth-client-secret"
)

// OAuth is an OAuth 2.0 provider with which people sign in to Grafana. The zero value is none.
// Everybody with an address of the domain may look at the dashboards and change nothing.
type OAuth struct {
	// ClientID is the name of Grafana at the provider. AuthURL, TokenURL and APIURL (user
	// information) are its addresses, https:// with port 443. Domain is the domain of the
	// e-mail addresses that may sign in. All are required.
	ClientID, AuthURL, TokenURL, APIURL, Domain string
	// Secret is the client's secret.
	Secret pulumi.StringInput
}

func (o OAuth) used() bool { return o.ClientID != "" }

func (o OAuth) validate() error {
	if !o.used() {
		return nil
	}
	errs := []error{kube.Required("oauth.secret", o.Secret)}
	for _, field := range []struct{ name, value string }{
		{"authURL", o.AuthURL}, {"tokenURL", o.TokenURL}, {"apiURL", o.APIURL}, {"domain", o.Domain},
	} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf("oauth.%s: is missing", field.name))
		}
	}
	return errors.Join(errs...)
}

// secrets returns the files of Grafana's Secret.
func (o OAuth) secrets(password pulumi.StringInput) pulumi.StringMap {
	files := pulumi.StringMap{passwordFile: password}
	if o.Secret != nil {
		files[oauthFile] = o.Secret
	}
	return files
}

// env returns the section auth.generic_oauth of Grafana's settings.
func (o OAuth) env() []kube.Variable {
	if !o.used() {
		return nil
	}
	const section = "GF_AUTH_GENERIC_OAUTH_"
	return []kube.Variable{
		{Name: section + "ENABLED", Value: "true"},
		{Name: section + "NAME", Value: o.Domain},
		{Name: section + "CLIENT_ID", Value: o.ClientID},
		{Name: section + "CLIENT_SECRET__FILE", Value: adminPath + "/" + oauthFile},
		{Name: section + "SCOPES", Value: "openid email profile"},
		{Name: section + "AUTH_URL", Value: o.AuthURL},
		{Name: section + "TOKEN_URL", Value: o.TokenURL},
		{Name: section + "API_URL", Value: o.APIURL},
		{Name: section + "ALLOWED_DOMAINS", Value: o.Domain},
		{Name: section + "ALLOW_SIGN_UP", Value: "true"},
		{Name: section + "USE_PKCE", Value: "true"},
		{Name: "GF_USERS_AUTO_ASSIGN_ORG_ROLE", Value: "Viewer"},
	}
}

// peers returns where Grafana may connect to, in addition to the metrics store.
func (o OAuth) peers() []kube.Peer {
	if !o.used() {
		return nil
	}
	return []kube.Peer{kube.HTTPS}
}
