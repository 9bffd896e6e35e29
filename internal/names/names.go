// Package names holds the rules for names that become host names, Kubernetes
// names and SQL identifiers.
package names

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Reserved are host labels that a tenant may not take: the platform's own hosts
// and what customers would mistake for them.
var Reserved = []string{
	"admin", "api", "app", "assets", "autoconfig", "cdn", "dashboard", "docs", "grafana", "help", "localhost",
	"login", "mail", "metrics", "ns1", "ns2", "platform", "postgres", "public", "root", "smtp", "staging",
	"static", "status", "support", "system", "www",
}

// Label says what is wrong with a DNS label; nil when nothing is.
func Label(label string) error {
	if faults := validation.IsDNS1123Label(label); len(faults) > 0 {
		return fmt.Errorf("%q is not a DNS label: lower-case letters, digits and hyphens, at most %d, a letter or digit at both ends",
			label, validation.DNS1123LabelMaxLength)
	}
	return nil
}

// Tenant says what is wrong with a tenant's name; nil when nothing is. The name
// becomes a DNS label and, by SQL, an SQL identifier.
func Tenant(name string) error {
	if err := Label(name); err != nil {
		return err
	}
	switch {
	case slices.Contains(Reserved, name):
		return fmt.Errorf("%q is reserved by the platform; take another name", name)
	case name[0] >= '0' && name[0] <= '9':
		return fmt.Errorf("%q starts with a digit, which an SQL identifier may not; put a letter before it", name)
	case name == "pg" || strings.HasPrefix(name, "pg-"):
		return fmt.Errorf("%q starts with pg-, which PostgreSQL keeps for itself; take another name", name)
	case len(name) > maxTenant:
		return fmt.Errorf("%q has %d characters, and the name of its schema has room for %d", name, len(name), maxTenant)
	case strings.HasPrefix(name, "xn--"):
		return fmt.Errorf("%q is an encoded international name; take a plain one", name)
	}
	return nil
}

// SQL is the role and the schema of a tenant. The prefix keeps them apart from
// PostgreSQL's own names; hyphens become underscores, which no label has, so that
// two tenants never share one.
func SQL(tenant string) string { return "tenant_" + strings.ReplaceAll(tenant, "-", "_") }

// Owner returns the role that owns a tenant's schema. It has no login: migrations
// act as it. The role that SQL names is the one that the app logs in as, and it can
// create nothing. The prefix is not longer than SQL's, so the name always fits.
func Owner(tenant string) string { return "owner_" + strings.ReplaceAll(tenant, "-", "_") }

// maxTenant keeps the SQL identifier within PostgreSQL's 63 bytes.
const maxTenant = 63 - len("tenant_")

// Domain says what is wrong with a full host name; nil when nothing is.
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
