package settings

import (
	"net/url"
	"strings"

	"github.com/genericcorp/platform/internal/names"
)

// OAuth is an OAuth 2.0 provider with which people sign in to Grafana, beside the user "admin" with
// its password. They may look at the dashboards and change nothing. The client's secret is the secret
// platform:grafanaOauthSecret. The provider must know the address
// `https://grafana.<domain>/login/generic_oauth`.
type OAuth struct {
	// ClientID is the name of Grafana at the provider.
	// Default: empty.
	// Change: in place; Grafana restarts.
	ClientID string `yaml:"clientId"`
	// AuthURL is the provider's page on which people sign in.
	// Default: empty.
	// Values: an https address, such as https://accounts.google.com/o/oauth2/v2/auth.
	// Change: in place; Grafana restarts.
	AuthURL string `yaml:"authUrl"`
	// TokenURL is where Grafana gets a token.
	// Default: empty.
	// Values: an https address, such as https://oauth2.googleapis.com/token.
	// Change: in place; Grafana restarts.
	TokenURL string `yaml:"tokenUrl"`
	// APIURL is where Grafana reads the e-mail address of who signs in.
	// Default: empty.
	// Values: an https address, such as https://openidconnect.googleapis.com/v1/userinfo.
	// Change: in place; Grafana restarts.
	APIURL string `yaml:"apiUrl"`
	// AllowedDomain is the domain of the e-mail addresses that may sign in. Nobody else may.
	// Default: empty.
	// Values: a domain, such as genericcorp.com.
	// Change: in place; Grafana restarts.
	AllowedDomain string `yaml:"allowedDomain"`
}

// Used reports whether people sign in to Grafana with OAuth.
func (o OAuth) Used() bool { return o != OAuth{} }

func (o OAuth) validate(f *Faults) {
	if !o.Used() {
		return
	}
	const path = "monitoring.oauth."
	if o.ClientID == "" || strings.ContainsAny(o.ClientID, " \t\r\n") {
		f.add(path+"clientId", "%q is not a client's name; write the one that the provider shows", o.ClientID)
	}
	for _, address := range []struct{ key, value string }{{"authUrl", o.AuthURL}, {"tokenUrl", o.TokenURL}, {"apiUrl", o.APIURL}} {
		u, err := url.Parse(address.value)
		// The network policy of Grafana allows port 443 only.
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Port() != "" && u.Port() != "443" {
			f.add(path+address.key, "%q is not an https:// address with the port 443", address.value)
		}
	}
	if err := names.Domain(o.AllowedDomain); err != nil {
		f.add(path+"allowedDomain", "%q is not a domain such as genericcorp.com; without one everybody with an account at the provider could sign in", o.AllowedDomain)
	}
}
