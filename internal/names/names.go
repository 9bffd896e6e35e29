// Package names checks names that become host names, Kubernetes names or SQL identifiers.
// It also derives the SQL names of a tenant. Every error starts with the quoted name, says
// what is wrong, and says what would be right.
package names

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Reserved are the labels that no tenant may have. They are the platform's own hosts, and
// hosts that customers would take for the platform's.
var Reserved = []string{
	"admin", "api", "app", "assets", "autoconfig", "cdn", "dashboard", "docs", "grafana", "help", "localhost",
	"login", "mail", "metrics", "ns1", "ns2", "platform", "postgres", "public", "root", "smtp", "staging",
	"static", "status", "support", "system", "www",
}

// Label returns an error if a text is not a DNS label (RFC 1123): lower-case letters,
// digits and hyphens, at most 63, with a letter or digit at both ends.
func Label(label string) error {
	if faults := validation.IsDNS1123Label(label); len(faults) > 0 {
		return fmt.Errorf("%q is not a DNS label; write lower-case letters, digits and hyphens, at most %d, with a letter or digit at both ends",
			label, validation.DNS1123LabelMaxLength)
	}
	return nil
}

// Tenant returns an error if a text cannot be a tenant's name. The name has to be a DNS
// label, because it becomes a host. SQL and Owner make SQL identifiers of it.
func Tenant(name string) error {
	if err := Label(name); err != nil {
		return err
	}
	switch {
	case slices.Contains(Reserved, name):
		return fmt.Errorf("%q is reserved for the platform; choose another name", name)
	case name[0] >= '0' && name[0] <= '9':
		return fmt.Errorf("%q starts with a digit, and an SQL identifier may not; put a letter before it", name)
	case name == "pg" || strings.HasPrefix(name, "pg-"):
		return fmt.Errorf("%q is pg or starts with pg-, and PostgreSQL reserves these; choose another name", name)
	case len(name) > maxTenant:
		return fmt.Errorf("%q has %d characters, and a schema has room for %d; choose a shorter name", name, len(name), maxTenant)
	case strings.HasPrefix(name, "xn--"):
		return fmt.Errorf("%q is an encoded international name; choose one in plain letters", name)
	}
	return nil
}

// SQL returns the name of a tenant's role and schema. Both have the same name. The prefix
// avoids PostgreSQL's own names. Hyphens become underscores. A label has no underscore, so
// two tenants never get the same SQL name.
func SQL(tenant string) string { return "tenant_" + strings.ReplaceAll(tenant, "-", "_") }

// Owner returns the name of the role that owns a tenant's schema. This role has no login;
// migrations use it by SET ROLE. The app logs in as the role that SQL returns, and that
// role may create nothing. The prefix is not longer than SQL's, so the name always fits.
func Owner(tenant string) string { return "owner_" + strings.ReplaceAll(tenant, "-", "_") }

// maxTenant is the length at which SQL returns PostgreSQL's maximum of 63 bytes.
const maxTenant = 63 - len("tenant_")

// PublicDomain returns an error if a text is not a Domain, or if nobody can register it: an IP
// address, a name such as nas.local, or a public suffix such as co.uk. Let's Encrypt orders no
// certificate for these (RFC 8555 section 8; the list is that of publicsuffix.org). A name below
// localhost is this machine (RFC 6761), where `make demo` is its own authority.
func PublicDomain(domain string) error {
	if err := Domain(domain); err != nil {
		return err
	}
	if _, err := netip.ParseAddr(domain); err == nil {
		return fmt.Errorf("%q is an IP address; write a host name such as demo.example.com", domain)
	}
	if strings.HasSuffix(domain, ".localhost") {
		return nil
	}
	suffix, listed := publicsuffix.PublicSuffix(domain)
	if !listed && !strings.Contains(suffix, ".") {
		return fmt.Errorf("%q does not end in a top-level domain of the Internet, such as .com", domain)
	}
	if suffix == domain {
		return fmt.Errorf("%q is a public suffix, below which others register their domains; write your own domain", domain)
	}
	return nil
}

// Stack returns an error if a text cannot be the name of a stack. Resources of DigitalOcean have
// the name of the project, a hyphen and the name of the stack, and DigitalOcean allows them only
// letters, digits, hyphens and dots.
func Stack(name string) error {
	if Label(name) != nil || len(name) > maxStack {
		return fmt.Errorf("%+.100q is no name for a stack; write lower-case letters, digits and hyphens, at most %d, with a letter or digit at both ends", name, maxStack)
	}
	return nil
}

// maxStack leaves room for a project of 22 letters in a label of 63.
const maxStack = 40

// Domain returns an error if a text is not a full host name of at least two labels.
func Domain(domain string) error {
	if strings.Contains(domain, "://") {
		return fmt.Errorf("%q has a scheme; write the host name alone, such as demo.example.com", domain)
	}
	if faults := validation.IsDNS1123Subdomain(domain); len(faults) > 0 || !strings.Contains(domain, ".") {
		return fmt.Errorf("%q is not a host name such as demo.example.com", domain)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if err := Label(label); err != nil {
			return err
		}
	}
	return nil
}
