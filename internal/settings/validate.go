package settings

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/names"
)

// validate adds all faults of settings that have their defaults.
func (s Settings) validate(f *Faults) {
	s.validateNames(f)
	oneOf(f, "region", s.Region, catalog.Regions...)
	peopleBounds.within(f, "capacity.concurrentUsers", s.Capacity.ConcurrentUsers)
	requestBounds.within(f, "capacity.requestsPerMinute", s.Capacity.RequestsPerMinute)
	amount(f, "budget.monthlyUsd", s.Budget.MonthlyUSD, 1)
	s.validateCluster(f)
	s.validateDatabase(f)
	s.validateNetwork(f)
	s.App.validate(f)
	s.validateServices(f)
	s.validateAlerts(f)
	s.validateTenants(f)
}

func (s Settings) validateNames(f *Faults) {
	for path, domain := range map[string]string{"domain": s.Domain, "zone": s.Zone} {
		if domain == "" {
			f.add(path, "is missing; write a host name such as demo.example.com")
		} else if err := names.PublicDomain(domain); err != nil {
			f.add(path, "%v", err)
		}
	}
	if s.Domain != s.Zone && !strings.HasSuffix(s.Domain, "."+s.Zone) && s.Domain != "" && s.Zone != "" {
		f.add("zone", "%q is not the domain %q or a domain above it", s.Zone, s.Domain)
	}
	if len(names.GrafanaHost(s.Domain)) > 64 {
		f.add("domain", "%q is longer than 56 characters; a certificate allows 64 for the name of a host such as grafana.<domain>", s.Domain)
	}
	s.validateEmail(f)
}

// reserved are the endings of hosts that cannot receive mail (RFC 2606, RFC 6761). Let's
// Encrypt refuses an account with such a contact ("invalidContact").
var reserved = []string{"example.com", "example.net", "example.org", "example", "invalid", "localhost", "test"}

func (s Settings) validateEmail(f *Faults) {
	if s.Email == "" {
		f.add("email", "is missing; write the contact of the Let's Encrypt account, such as sre@genericcorp.com")
		return
	}
	address, err := mail.ParseAddress(s.Email)
	if err != nil || address.Address != s.Email {
		f.add("email", "%q is not an e-mail address such as sre@genericcorp.com", s.Email)
		return
	}
	host := strings.ToLower(s.Email[strings.LastIndex(s.Email, "@")+1:])
	ends := func(ending string) bool { return host == ending || strings.HasSuffix(host, "."+ending) }
	switch {
	case names.PublicDomain(host) != nil || slices.ContainsFunc(reserved, ends):
		f.add("email", "Let's Encrypt refuses the host %q; write an address that receives mail", host)
	case strings.ContainsFunc(s.Email, func(r rune) bool { return r > unicode.MaxASCII }):
		f.add("email", "%q has other letters than ASCII, and Let's Encrypt refuses them; write another address", s.Email)
	}
}

var (
	minor = regexp.MustCompile(`^1\.(\d{2})$`)
	hour  = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)
)

func (s Settings) validateCluster(f *Faults) {
	oneOf(f, "cluster.kind", s.Cluster.Kind, DigitalOcean, Existing)
	if !minor.MatchString(s.Cluster.Version) {
		f.add("cluster.version", "%q is not a Kubernetes minor such as \"1.36\" (quoted, or YAML drops a trailing zero)", s.Cluster.Version)
	}
	nodeBounds.within(f, "nodes.count", s.Nodes.Count)
	if s.Nodes.Size != "" {
		if _, err := catalog.NodeBySize(s.Nodes.Size); err != nil {
			f.add("nodes.size", "%v", err)
		}
	}
	s.Nodes.validateAllocatable(f)
	if f.wrong("cluster.kind") {
		return
	}
	if s.Cluster.Kind == Existing {
		s.validateExisting(f)
		return
	}
	if s.Cluster.Context != "" {
		f.add("cluster.context", "goes with cluster.kind: existing alone")
	}
	if s.Ingress.Address != "" {
		f.add("ingress.address", "goes with cluster.kind: existing alone; on DigitalOcean the load balancer brings its own")
	}
}

func (s Settings) validateExisting(f *Faults) {
	if s.Database.Kind == DigitalOcean && !f.wrong("database.kind") {
		f.add("database.kind", "an existing cluster needs \"external\": a managed database would admit no one but a DigitalOcean cluster")
	}
	if address := s.Ingress.Address; address != "" {
		if ip, err := netip.ParseAddr(address); err != nil || !ip.Is4() {
			f.add("ingress.address", "%q is not an IPv4 address", address)
		}
	}
}

func (d Database) validateNetwork(f *Faults) {
	if f.wrong("database.kind") {
		return
	}
	if d.Kind != External {
		if d.Network != "" {
			f.add("database.network", "goes with database.kind: external alone; a managed database is in network.vpc")
		}
		return
	}
	if prefix, err := netip.ParsePrefix(d.Network); err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() {
		f.add("database.network", "%q is not an IPv4 range such as 203.0.113.16/28, or an address such as 203.0.113.16/32", d.Network)
	}
}

func (s Settings) validateDatabase(f *Faults) {
	oneOf(f, "database.kind", s.Database.Kind, DigitalOcean, External)
	oneOf(f, "database.version", s.Database.Version, "17", "18")
	connectionBounds.within(f, "database.connections", s.Database.Connections)
	s.Database.validateNetwork(f)
	if s.Database.Size == "" {
		return
	}
	size, err := catalog.DatabaseBySize(s.Database.Size)
	if err != nil {
		f.add("database.size", "%v", err)
	} else if s.Database.Standby && size.MaxNodes < 2 {
		f.add("database.standby", "DigitalOcean offers no standby node for %s; take db-s-1vcpu-2gb or larger", size.SKU)
	}
}

func (s Settings) validateServices(f *Faults) {
	oneOf(f, "certificates.issuer", s.Certificates.Issuer, Production, Staging)
	s.validateChart(f)
	if s.DNS.Proxied && s.Domain != s.Zone && !f.wrong("domain") && !f.wrong("zone") {
		f.add("dns.proxied", "Cloudflare's free edge certificate covers %s and one label below it, not grafana.%s; leave it false, or use the zone itself as domain",
			s.Zone, s.Domain)
	}
	dayBounds.within(f, "monitoring.retentionDays", s.Monitoring.RetentionDays)
	volumeBounds.within(f, "monitoring.volumeGiB", s.Monitoring.VolumeGiB)
	s.Monitoring.OAuth.validate(f)
	oneOf(f, "maintenance.day", s.Maintenance.Day,
		"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
	if !hour.MatchString(s.Maintenance.Hour) {
		f.add("maintenance.hour", "%q is not a time in UTC such as \"03:00\" (quoted)", s.Maintenance.Hour)
	}
	for i, price := range s.Pricing.TenantUSD {
		amount(f, fmt.Sprintf("pricing.tenantUsd[%d]", i), price, 1)
	}
	for tier, price := range s.Pricing.TierUSD {
		if !slices.Contains(tierNames(), tier) {
			f.add("pricing.tierUsd."+tier, "%q is no tier; the tiers are %s", tier, strings.Join(tierNames(), ", "))
		}
		amount(f, "pricing.tierUsd."+tier, price, 0)
	}
	amount(f, "pricing.fixedUsd", s.Pricing.FixedUSD, 0)
}

// validateChart allows only mirrors of the cert-manager chart, because the bill and the
// sizing count what that chart creates.
func (s Settings) validateChart(f *Faults) {
	u, err := url.Parse(s.Certificates.Chart)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "oci" && u.Scheme != "https":
		f.add("certificates.chart", "is not an oci:// or https:// address of a chart, such as oci://mirror.genericcorp.com/charts/cert-manager")
	case u.User != nil:
		f.add("certificates.chart", "has a login, which everybody who can read the state could read; use a mirror that needs no login")
	case path.Base(u.Path) != "cert-manager":
		f.add("certificates.chart", "%q does not end in /cert-manager; the bill counts what this one chart creates", s.Certificates.Chart)
	}
}

func oneOf(f *Faults, path, value string, known ...string) {
	if !slices.Contains(known, value) {
		f.add(path, "%q is not one of %s", value, strings.Join(known, ", "))
	}
}
