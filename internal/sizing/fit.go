package sizing

import (
	"errors"
	"fmt"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/workload"
)

// Fit shows that the workload fits: it has one placement for each scenario. The
// scenarios are "steady", "rolling update" and, with capacity.surviveNodeLoss, "one node
// gone".
type Fit []Scenario

// fit places the workload in each scenario, and compares its traffic with what the nodes
// include. It returns the *MisfitError of the first
// scenario in which a Pod finds no node.
func fit(set workload.Set, survive bool, size catalog.Node, count int) (Fit, error) {
	if survive && count < 2 {
		return nil, &MisfitError{"one node gone", "capacity.surviveNodeLoss needs at least 2 nodes; raise nodes.count"}
	}
	if included := size.TransferGiB * count; set.TransferGiB > included {
		return nil, &MisfitError{"a month's traffic", fmt.Sprintf("the app sends up to %d GiB, and the price of %s includes %d GiB; each GiB above would cost %s",
			set.TransferGiB, nodesText(size.SKU, count), included, catalog.Transfer.Unit)}
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

// IsMisfit reports whether an error is or wraps a *MisfitError.
func IsMisfit(err error) bool {
	var misfit *MisfitError
	return errors.As(err, &misfit)
}

// isUnknownSize reports whether an error is or wraps a *catalog.UnknownError.
func isUnknownSize(err error) bool {
	var unknown *catalog.UnknownError
	return errors.As(err, &unknown)
}
