package settings

import "net/netip"

// reservedRanges are the ranges that DigitalOcean reserves in every VPC-native cluster
// (docs.digitalocean.com, VPC-native clusters, 2025).
var reservedRanges = []string{"10.229.0.0/16", "10.244.0.0/16", "10.245.0.0/16", "10.246.0.0/24"}

func (n Network) validate(f *Faults) {
	ranges := []struct {
		path, cidr string
		maxBits    int
	}{{"network.vpc", n.VPC, 24}, {"network.pods", n.Pods, 20}, {"network.services", n.Services, 22}}
	var seen []netip.Prefix
	for _, r := range ranges {
		prefix, err := netip.ParsePrefix(r.cidr)
		switch {
		case err != nil || prefix != prefix.Masked() || !prefix.Addr().IsPrivate() || !prefix.Addr().Is4():
			f.add(r.path, "%q is not a private IPv4 range such as 10.10.0.0/20", r.cidr)
			continue
		case prefix.Bits() > r.maxBits || prefix.Bits() < 16:
			f.add(r.path, "%q has to be between /16 and /%d", r.cidr, r.maxBits)
		}
		for _, reserved := range reservedRanges {
			if prefix.Overlaps(netip.MustParsePrefix(reserved)) {
				f.add(r.path, "%q overlaps %s, which DigitalOcean reserves", r.cidr, reserved)
			}
		}
		for _, other := range seen {
			if prefix.Overlaps(other) {
				f.add(r.path, "%q overlaps %s", r.cidr, other)
			}
		}
		seen = append(seen, prefix)
	}
}
