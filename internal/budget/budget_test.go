package budget_test

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/budget"
)

func bill() budget.Bill {
	return budget.Bill{
		{Item: "nodes", SKU: "s-2vcpu-4gb", Quantity: 2, Unit: 2400, AsOf: "2026-09-27"},
		{Item: "database", SKU: "db-s-1vcpu-1gb", Quantity: 1, Unit: 1515, AsOf: "2026-09-20"},
	}
}

func TestCentsStringReturnsDollarsWithTwoDecimals(t *testing.T) {
	for cents, want := range map[budget.Cents]string{0: "$0.00", 5: "$0.05", 7515: "$75.15", -485: "-$4.85"} {
		assert.Equal(t, want, cents.String())
	}
}

func TestFromUSDRefusesAmountsThatAreNotWholeCents(t *testing.T) {
	for usd, want := range map[float64]budget.Cents{80: 8000, 75.15: 7515, 0.29: 29, -1.10: -110} {
		got, ok := budget.FromUSD(usd)
		require.True(t, ok, usd)
		assert.Equal(t, want, got, usd)
	}
	for _, usd := range []float64{0.001, math.NaN(), math.Inf(1), 1e300} {
		_, ok := budget.FromUSD(usd)
		assert.False(t, ok, usd)
	}
}

func TestBillCheckReturnsAnErrorOnlyAboveTheLimit(t *testing.T) {
	assert.NoError(t, bill().Check(6315))
	err := bill().Check(6314)
	over := &budget.OverError{}
	require.True(t, errors.As(err, &over))
	assert.Equal(t, budget.Cents(1), over.Over())
}

func TestBillTableShowsEachLineTheTotalAndWhatIsLeft(t *testing.T) {
	assert.Equal(t, `ITEM      SKU             QTY  UNIT    MONTH   PRICE OF
nodes     s-2vcpu-4gb     2    $24.00  $48.00  2026-09-27
database  db-s-1vcpu-1gb  1    $15.15  $15.15  2026-09-20
TOTAL                                  $63.15
LIMIT                                  $80.00  $16.85 left
`, bill().Table(8000))
	assert.Contains(t, bill().Table(6000), "over by $3.15")
}
