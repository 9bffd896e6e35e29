package catalog_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
)

func TestPricesHaveASourceAndTheDateOnWhichTheyWereRead(t *testing.T) {
	require.NotEmpty(t, catalog.Prices())
	for _, p := range catalog.Prices() {
		assert.NotEmpty(t, p.Source, p.SKU)
		asOf, err := time.Parse(time.DateOnly, p.AsOf)
		require.NoError(t, err, p.SKU)
		assert.True(t, asOf.Before(time.Now()), p.SKU)
		assert.Positive(t, int64(p.Unit), p.SKU)
	}
}

func TestAPriceIsOldFromMaxAgeDaysOn(t *testing.T) {
	read := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	last := read.AddDate(0, 0, catalog.MaxAgeDays)
	assert.False(t, catalog.IsOld("2026-03-01", last.Add(-time.Second)))
	assert.True(t, catalog.IsOld("2026-03-01", last))
	assert.True(t, catalog.IsOld("March", read))
}

func TestSizesHaveUniqueSKUsAndAreSortedByPrice(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range catalog.Prices() {
		assert.False(t, seen[p.SKU], "%s occurs twice", p.SKU)
		seen[p.SKU] = true
	}
	assert.True(t, slices.IsSortedFunc(catalog.Nodes(), func(a, b catalog.Node) int { return int(a.Unit - b.Unit) }))
	assert.True(t, slices.IsSortedFunc(catalog.Databases(), func(a, b catalog.Database) int { return int(a.Unit - b.Unit) }))
}

func TestNodesHaveLessAllocatableThanMemoryAndCPUs(t *testing.T) {
	require.NotEmpty(t, catalog.Nodes())
	for _, n := range catalog.Nodes() {
		assert.Less(t, n.AllocatableMiB, n.MemoryMiB, n.SKU)
		assert.LessOrEqual(t, n.DocumentedMiB, n.AllocatableMiB, n.SKU)
		assert.Positive(t, n.DocumentedMiB, n.SKU)
		assert.Less(t, n.AllocatableMilli, n.VCPU*1000, n.SKU)
	}
}

func TestSizeLookUpsReturnAnUnknownErrorThatListsTheKnownSizes(t *testing.T) {
	_, err := catalog.NodeBySize("s-2vcpu-5gb")
	unknown := &catalog.UnknownError{}
	require.ErrorAs(t, err, &unknown)
	assert.Contains(t, unknown.Known, "s-2vcpu-4gb")
	_, err = catalog.DatabaseBySize("")
	require.ErrorAs(t, err, &unknown)
}
