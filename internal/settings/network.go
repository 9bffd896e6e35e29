package settings

import (
	"net/netip"

	"github.com/genericcorp/platform/internal/catalog"
)

// defaultVPC returns 10.10.0.0/20, or 10.11.0.0/20 in a region that reserves the first. No
// region reserves the second.
func defaultVPC(region string) string {
	const usual, other = "10.10.0.0/20", "10.11.0.0/20"
	reserved, err := netip.ParsePrefix(catalog.ReservedRange[region])
	if err == nil && reserved.Overlaps(netip.MustParsePrefix(usual)) {
		return other
	}
	return usual
}

// largestRange is the prefix length of the largest ranges that DigitalOcean allows.
const largestRange = 16

// surgeNodes is how many nodes an upgrade adds before it removes one.
const surgeNodes = 1

func (s Settings) validateNetwork(f *Faults) {
	n := s.Network
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
		case prefix.Bits() > r.maxBits || prefix.Bits() < largestRange:
			f.add(r.path, "%q has to be between /%d and /%d", r.cidr, largestRange, r.maxBits)
			continue
		}
		s.validateFree(f, r.path, prefix)
		for _, other := range seen {
			if prefix.Overlaps(other) {
				f.add(r.path, "%q overlaps %s, another range of the network; choose one that is free", r.cidr, other)
			}
		}
		seen = append(seen, prefix)
		s.validateRoom(f, r.path, prefix)
	}
}

// validateFree adds a fault for each range of DigitalOcean that the prefix overlaps.
func (s Settings) validateFree(f *Faults, path string, prefix netip.Prefix) {
	for _, reserved := range catalog.ReservedEverywhere {
		if prefix.Overlaps(netip.MustParsePrefix(reserved)) {
			f.add(path, "%q overlaps %s, which DigitalOcean reserves; choose another", prefix, reserved)
		}
	}
	reserved, ok := catalog.ReservedRange[s.Region]
	if ok && prefix.Overlaps(netip.MustParsePrefix(reserved)) {
		f.add(path, "%q overlaps %s, which DigitalOcean reserves in %s; choose another", prefix, reserved, s.Region)
	}
}

// validateRoom adds a fault for a range that is too small for the pinned number of nodes. The
// smallest ranges have room for the pools that the solver tries.
func (s Settings) validateRoom(f *Faults, path string, prefix netip.Prefix) {
	need := s.Nodes.Count + surgeNodes
	if nodeBounds.most < s.Nodes.Count {
		return
	}
	switch path {
	case "network.pods":
		if room := 1 << (catalog.NodeBits - prefix.Bits()); room < need {
			enough := prefix.Bits()
			for enough > largestRange && 1<<(catalog.NodeBits-enough) < need {
				enough--
			}
			most := 1<<(catalog.NodeBits-enough) - surgeNodes
			f.add(path, "%q has addresses for %d nodes (a /25 for each), and nodes.count: %d needs %d during an upgrade; a /%d has enough for %d",
				prefix, room, s.Nodes.Count, need, enough, most)
		}
	case "network.vpc":
		// DigitalOcean takes a few addresses of a VPC. The load balancer and the database
		// need some too.
		const others = 16
		if room := 1 << (32 - prefix.Bits()); room < need+others {
			f.add(path, "%q has %d addresses, and nodes.count: %d needs more; choose a larger range", prefix, room, s.Nodes.Count)
		}
	}
}
