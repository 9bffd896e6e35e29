package runs_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/showcase/internal/runs"
)

func TestThePlansHaveTheStorageAndTheRatesOfThePlatformsTiers(t *testing.T) {
	tenancy, err := os.ReadFile("../../../docs/tenancy.md")
	require.NoError(t, err)
	last := runs.Limits{}
	for _, name := range []string{"starter", "growth", "enterprise"} {
		l := runs.LimitsOf(name)
		storage := fmt.Sprintf("%d MiB", l.StorageMiB)
		if l.StorageMiB >= 1024 {
			storage = fmt.Sprintf("%d GiB", l.StorageMiB/1024)
		}
		assert.Regexp(t, fmt.Sprintf(`(?m)^\| %s \|.*\| %s \| \d+ s \| %d \(%d\) \|$`, name, storage, l.Rate, l.Burst), string(tenancy))
		assert.Greater(t, l.Runs, last.Runs, name)
		assert.Greater(t, l.Events, last.Events, name)
		assert.Greater(t, l.Seats, last.Seats, name)
		last = l
	}
	assert.Equal(t, runs.LimitsOf("starter").StorageMiB, runs.DemoLimits.StorageMiB, "the demo's tenant has the smallest plan")
	assert.Equal(t, runs.Limits{Rate: last.Rate, Burst: last.Burst}, runs.LimitsOf("self-hosted"), "a plan of none of them has a rate limit only")
}
