package report

import (
	"fmt"
	"net/netip"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/settings"
)

// Conflicts returns an error for each thing that two stacks cannot both have: a host, or
// addresses of a VPC.
func Conflicts(stacks []Stack) []error {
	var out []error
	for i, s := range stacks {
		for _, other := range stacks[:i] {
			for _, host := range sharedHosts(other.settings, s.settings) {
				out = append(out, fmt.Errorf("stack files Pulumi.%s.yaml and Pulumi.%s.yaml: both have the host %q; change the domain or the tenant of one", other.Name, s.Name, host))
			}
			if a, b, overlap := overlappingVPCs(other.settings, s.settings); overlap {
				out = append(out, fmt.Errorf("stack files Pulumi.%s.yaml and Pulumi.%s.yaml: settings.network.vpc %s overlaps %s, and the ranges of one account may not overlap; choose another range for the newer stack",
					other.Name, s.Name, a, b))
			}
		}
	}
	return out
}

// sharedHosts returns the hosts of b that a has too.
func sharedHosts(a, b settings.Settings) []string {
	has := map[string]bool{}
	for _, host := range hostsOf(a) {
		has[host] = true
	}
	var out []string
	for _, host := range hostsOf(b) {
		if has[host] {
			out = append(out, host)
		}
	}
	return out
}

func hostsOf(s settings.Settings) []string {
	out := []string{s.Domain, names.GrafanaHost(s.Domain)}
	for _, t := range s.Tenants {
		out = append(out, t.Name+"."+s.Domain)
	}
	return out
}

// overlappingVPCs returns the ranges of two stacks on DigitalOcean, and whether they overlap.
func overlappingVPCs(a, b settings.Settings) (netip.Prefix, netip.Prefix, bool) {
	if a.Cluster.Kind != settings.DigitalOcean || b.Cluster.Kind != settings.DigitalOcean {
		return netip.Prefix{}, netip.Prefix{}, false
	}
	// settings.Load checked both.
	x, y := netip.MustParsePrefix(a.Network.VPC), netip.MustParsePrefix(b.Network.VPC)
	return x, y, x.Overlaps(y)
}
