package tenancy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
)

func TestPasswordDiffersInEachLifeOfAName(t *testing.T) {
	t.Parallel()
	passwords, verifiers := map[string]int{}, map[string]int{}
	for life := range 13 {
		for version := 1; version <= 3; version++ {
			tenant := settings.Tenant{Name: "acme", State: settings.Active, PasswordVersion: version, Life: life}
			passwords[tenancy.Password(seed, tenant)]++
			verifier, err := tenancy.Verifiers(seed, []settings.Tenant{tenant})
			require.NoError(t, err)
			verifiers[verifier]++
		}
	}
	// Life 0 means the first life, as 1 does: tests and older stacks do not set it.
	assert.Len(t, passwords, 12*3)
	assert.Len(t, verifiers, 12*3)
}
