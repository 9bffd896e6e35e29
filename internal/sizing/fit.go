package sizing

import (
	"errors"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// Fit is the proof that the workload fits: a placement for each scenario.
type Fit []Scenario

// fit places the set in every scenario that the stack has to bear.
func fit(set workload.Set, survive bool, size catalog.Node, count int) (Fit, error) {
	if survive && count < 2 {
		return nil, &MisfitError{"one node gone", "one node cannot survive its own loss; nodes.count has to be at least 2"}
	}
	steady, err := place("steady", set, size, count, false)
	if err != nil {
		return nil, err
	}
	rolling, err := place("rolling update", set, size, count, true)
	if err != nil {
		return nil, err
	}
	if !survive {
		return Fit{steady, rolling}, nil
	}
	gone, err := place("one node gone", set, size, count-1, false)
	if err != nil {
		return nil, err
	}
	return Fit{steady, rolling, gone}, nil
}

// IsMisfit reports whether an error says that something does not fit.
func IsMisfit(err error) bool {
	var misfit *MisfitError
	return errors.As(err, &misfit)
}
