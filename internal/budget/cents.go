// Package budget holds money: amounts in cents, bill lines, bills and the limit
// that a stack's bill has to keep.
package budget

import (
	"fmt"
	"math"
)

// Cents is an amount of US cents per month before tax. All money is integer
// cents: sums of floats drift, and a budget that is checked to the cent must not.
type Cents int64

// String prints dollars with two decimals, for example "$75.15" or "-$4.85".
func (c Cents) String() string {
	sign, n := "", int64(c)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s$%d.%02d", sign, n/100, n%100)
}

// FromUSD converts dollars as written in a settings file to cents. It reports
// false for an amount that is not finite, or has fractions of a cent.
func FromUSD(usd float64) (Cents, bool) {
	cents := math.Round(usd * 100)
	if math.IsNaN(usd) || math.Abs(cents) > math.MaxInt32 || math.Abs(cents-usd*100) > 1e-6 {
		return 0, false
	}
	return Cents(cents), true
}
