// Package budget defines money and bills: amounts in cents, the lines of a bill, and
// the check of a bill against the stack's limit. It knows no prices; those are in
// internal/catalog.
package budget

import (
	"fmt"
	"math"
)

// Cents is an amount of US cents, before tax. In bills it is an amount per month.
// Money is always an integer: the budget is checked to the cent, and sums of floats
// have rounding errors.
type Cents int64

// String returns dollars with two decimals, for example "$75.15" or "-$4.85".
func (c Cents) String() string {
	sign, n := "", int64(c)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s$%d.%02d", sign, n/100, n%100)
}

// FromUSD converts dollars to cents. It returns false for an amount that is not finite or
// has fractions of a cent. It also returns false beyond ±$21,474,836.47 (2³¹-1 cents).
func FromUSD(usd float64) (Cents, bool) {
	cents := math.Round(usd * 100)
	if math.IsNaN(usd) || math.Abs(cents) > math.MaxInt32 || math.Abs(cents-usd*100) > 1e-6 {
		return 0, false
	}
	return Cents(cents), true
}
