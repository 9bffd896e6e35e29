package monthly

import (
	"math/big"
	"slices"

	"github.com/genericcorp/platform/internal/budget"
)

// shares divides a bill among tenants: one half by their requests, the other half by their
// storage. If no tenant has requests, all of it is divided by storage, and the other way round.
// If no tenant has either, each gets the same. The result adds up to the bill, unless there is no
// tenant.
func shares(bill budget.Cents, tenants []Usage) []budget.Cents {
	requests, anyRequests := weights(tenants, func(u Usage) *int64 { return u.Requests })
	storage, anyStorage := weights(tenants, func(u Usage) *int64 { return u.Storage })
	switch {
	case !anyRequests && !anyStorage:
		equal := make([]int64, len(tenants))
		for i := range equal {
			equal[i] = 1
		}
		return divide(bill, equal)
	case !anyRequests:
		return divide(bill, storage)
	case !anyStorage:
		return divide(bill, requests)
	}
	byRequests, byStorage := divide(bill-bill/2, requests), divide(bill/2, storage)
	for i := range byRequests {
		byRequests[i] += byStorage[i]
	}
	return byRequests
}

// weights returns a figure of each tenant, 0 for one that was not measured. It reports whether one
// is above 0.
func weights(tenants []Usage, of func(Usage) *int64) ([]int64, bool) {
	out, found := make([]int64, len(tenants)), false
	for i, t := range tenants {
		if value := of(t); value != nil && *value > 0 {
			out[i], found = *value, true
		}
	}
	return out, found
}

// divide divides an amount in proportion to weights, by largest remainder: each share is rounded
// down, and the cents that are left go to the largest fractions, of equal ones to the first. The
// shares add up to the amount. It needs a weight above 0, unless there are no weights.
func divide(amount budget.Cents, weights []int64) []budget.Cents {
	sum := new(big.Int)
	for _, w := range weights {
		sum.Add(sum, big.NewInt(w))
	}
	out, left := make([]budget.Cents, len(weights)), amount
	order, fractions := make([]int, len(weights)), make([]*big.Int, len(weights))
	for i, w := range weights {
		share, fraction := new(big.Int).DivMod(new(big.Int).Mul(big.NewInt(int64(amount)), big.NewInt(w)), sum, new(big.Int))
		out[i], order[i], fractions[i] = budget.Cents(share.Int64()), i, fraction
		left -= out[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return fractions[b].Cmp(fractions[a]) })
	for _, i := range order[:min(int(left), len(order))] {
		out[i]++
	}
	return out
}
