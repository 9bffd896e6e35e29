package meter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

func priceCluster(_ Stack, in inputs) (budget.Bill, error) {
	pool, err := in.object("nodePool")
	if err != nil {
		return nil, err
	}
	bill, err := priceNodePool(pool)
	if err != nil {
		return nil, err
	}
	// DigitalOcean's default is true from Kubernetes 1.36 on.
	if ha, err := in.boolean("ha", true); err != nil {
		return nil, err
	} else if ha {
		bill = append(bill, catalog.HAControlPlane.Line(budget.ItemHA, 1))
	}
	return bill, nil
}

// priceNodePool prices a pool with a fixed number of nodes.
func priceNodePool(in inputs) (budget.Bill, error) {
	scales, err := in.boolean("autoScale", false)
	if err != nil {
		return nil, err
	}
	if scales {
		return nil, errors.New("autoScale: has no price here, because the bill counts a fixed number of nodes; leave it out")
	}
	count, err := in.count("nodeCount")
	if err != nil {
		return nil, err
	}
	size, err := in.text("size", "")
	if err != nil {
		return nil, err
	}
	node, err := catalog.NodeBySize(size)
	if err != nil {
		return nil, fmt.Errorf("size: %w", err)
	}
	return budget.Bill{node.Line(budget.ItemNodes, count)}, nil
}

func priceDatabase(_ Stack, in inputs) (budget.Bill, error) {
	engine, err := in.text("engine", "")
	if err != nil {
		return nil, err
	}
	if engine != "pg" {
		return nil, fmt.Errorf(`engine: %q has no price here; the catalogue has the prices of "pg"`, engine)
	}
	slug, err := in.text("size", "")
	if err != nil {
		return nil, err
	}
	size, err := catalog.DatabaseBySize(slug)
	if err != nil {
		return nil, fmt.Errorf("size: %w", err)
	}
	count, err := in.count("nodeCount")
	if err != nil {
		return nil, err
	}
	return budget.Bill{size.Line(budget.ItemDatabase, count)}, nil
}

// priceUptimeCheck prices a check. Its alerts are included.
func priceUptimeCheck(Stack, inputs) (budget.Bill, error) {
	return budget.Bill{catalog.UptimeCheck.Line(budget.ItemUptime, 1)}, nil
}

const release = "kubernetes:helm.sh/v3:Release"

// releaseValues are the values that a release may set. None of them makes cert-manager's
// chart create a load balancer, a claim, or an object with Pods that the sizing does not
// count. The chart's startup check is a Job that ends before the release is complete.
var releaseValues = map[string][]string{
	"": {
		"cainjector", "crds", "dns01RecursiveNameservers", "dns01RecursiveNameserversOnly", "global", "prometheus", "replicaCount",
		"resources", "startupapicheck", "strategy", "webhook",
	},
	"cainjector":                {"replicaCount", "resources", "strategy"},
	"crds":                      {"enabled", "keep"},
	"global":                    {"leaderElection"},
	"prometheus":                {"enabled", "servicemonitor"},
	"prometheus.servicemonitor": {"enabled"},
	"startupapicheck":           {"resources", "timeout"},
	"webhook":                   {"replicaCount", "resources", "strategy", "timeoutSeconds"},
}

// checkRelease returns an error for a release that is not the stack's own. A chart can create
// anything. cert-manager's creates nothing that costs money with the values that the
// certificates component sets.
func (s Stack) checkRelease(in inputs) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(s.Release)) {
		want := s.Release[key]
		if same(in[key], want) {
			continue
		}
		if text, ok := want.(string); ok {
			errs = append(errs, fmt.Errorf("%s: is %v and must be %q; a chart can create anything, so only this release has a price here", key, in[key], text))
			continue
		}
		errs = append(errs, fmt.Errorf("%s: is not what the certificates component sets; a chart can create anything, so only its release has a price here", key))
	}
	errs = append(errs, in.only("", slices.Collect(maps.Keys(s.Release))...), in.onlyIn("values", releaseValues))
	return errors.Join(errs...)
}

// same reports whether two inputs are equal. It does not distinguish int from float64.
func same(a, b any) bool {
	left, err := json.Marshal(a)
	right, other := json.Marshal(b)
	return err == nil && other == nil && bytes.Equal(left, right)
}
