package settings_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/settings"
)

func TestTheDefaultNetworkIsFreeInEveryRegion(t *testing.T) {
	for _, region := range catalog.Regions {
		s, err := settings.Load([]byte(least + "region: " + region + "\n"))
		require.NoError(t, err, region)
		vpc := netip.MustParsePrefix(s.Network.VPC)
		assert.False(t, vpc.Overlaps(netip.MustParsePrefix(catalog.ReservedRange[region])), region)
		if region == "nyc1" {
			assert.Equal(t, "10.11.0.0/20", s.Network.VPC)
		} else {
			assert.Equal(t, "10.10.0.0/20", s.Network.VPC, "running stacks have this range")
		}
	}
}

func TestARangeThatDigitalOceanReservesInTheRegionIsAFault(t *testing.T) {
	for region, reserved := range catalog.ReservedRange {
		for _, key := range []string{"vpc", "pods", "services"} {
			requireFault(t, fmt.Sprintf("region: %s\nnetwork: {%s: %s}\n", region, key, reserved),
				"network."+key, fmt.Sprintf("overlaps %s, which DigitalOcean reserves in %s; choose another", reserved, region))
		}
	}
	requireFault(t, "region: nyc1\nnetwork: {vpc: 10.10.16.0/20}\n", "network.vpc", "which DigitalOcean reserves in nyc1")
	requireFault(t, "region: fra1\nnetwork: {pods: 10.19.128.0/18}\n", "network.pods", "which DigitalOcean reserves in fra1")
	requireFault(t, "network: {services: 10.229.0.0/16}\n", "network.services", "which DigitalOcean reserves; choose another")
	assert.Empty(t, faultsOf(t, "region: nyc1\nnetwork: {vpc: 10.19.0.0/20}\n"), "the range of another region")
}

func TestAPodRangeHoldsEachNodeAndTheSurgeNode(t *testing.T) {
	for _, c := range []struct {
		pods  string
		count int
		fault string
	}{
		{"10.100.0.0/20", 31, ""},
		{"10.100.0.0/20", 32, "has addresses for 32 nodes (a /25 for each), and nodes.count: 32 needs 33 during an upgrade; a /19 has enough for 63"},
		{"10.100.0.0/19", 64, "has addresses for 64 nodes"},
		{"10.100.0.0/16", 511, ""},
		{"10.100.0.0/16", 512, "needs 513 during an upgrade; a /16 has enough for 511"},
	} {
		lines := fmt.Sprintf("nodes: {count: %d}\nnetwork: {pods: %s}\n", c.count, c.pods)
		if c.fault == "" {
			assert.Empty(t, faultsOf(t, lines), lines)
			continue
		}
		requireFault(t, lines, "network.pods", c.fault)
	}
}

func TestAVPCHoldsEachNode(t *testing.T) {
	requireFault(t, "nodes: {count: 300}\nnetwork: {vpc: 10.10.0.0/24}\n", "network.vpc", "has 256 addresses")
	assert.Empty(t, faultsOf(t, "nodes: {count: 100}\nnetwork: {vpc: 10.10.0.0/24}\n"))
}

func TestARangeThatIsNoPrivateIPv4RangeIsAFault(t *testing.T) {
	for _, cidr := range []string{"10.10.0.1/20", "8.8.8.0/20", "fd00::/20", "10.10.0.0", "10.10.0.0/33", "10.0.0.0/8", "10.10.0.0/25", "::ffff:10.10.0.0/120", "010.10.0.0/20", "100.64.0.0/16"} {
		requireFault(t, fmt.Sprintf("network: {vpc: %q}\n", cidr), "network.vpc", "")
	}
}
