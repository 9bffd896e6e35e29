package meter

import (
	"fmt"
	"math"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// priceService prices the load balancer that DigitalOcean creates for a Service of type
// LoadBalancer. It is a network load balancer unless an annotation selects the regional
// one. Other types of Service cost nothing.
func priceService(in inputs) (budget.Bill, error) {
	spec, err := in.object("spec")
	if err != nil {
		return nil, err
	}
	kind, err := spec.text("type", "ClusterIP")
	if err != nil || kind != "LoadBalancer" {
		return nil, err
	}
	meta, err := in.object("metadata")
	if err != nil {
		return nil, err
	}
	annotations, err := meta.object("annotations")
	if err != nil {
		return nil, err
	}
	const prefix = "service.beta.kubernetes.io/do-loadbalancer-"
	lbType, err := annotations.text(prefix+"type", "REGIONAL_NETWORK")
	if err != nil {
		return nil, err
	}
	unitText, err := annotations.text(prefix+"size-unit", "1")
	if err != nil {
		return nil, err
	}
	units, err := strconv.Atoi(unitText)
	if err != nil {
		return nil, fmt.Errorf("%ssize-unit: %q is not a whole number", prefix, unitText)
	}
	return loadBalancer(lbType, units), nil
}

func priceClaim(in inputs) (budget.Bill, error) {
	gib, err := claimGiB(in)
	if err != nil {
		return nil, err
	}
	return budget.Bill{catalog.BlockStorage.Line(budget.ItemVolumes, gib)}, nil
}

func priceStatefulSet(in inputs) (budget.Bill, error) {
	spec, err := in.object("spec")
	if err != nil {
		return nil, err
	}
	replicas, err := spec.number("replicas", 1)
	if err != nil {
		return nil, err
	}
	templates, ok := spec["volumeClaimTemplates"].([]any)
	if _, set := spec["volumeClaimTemplates"]; set && !ok {
		return nil, fmt.Errorf("spec.volumeClaimTemplates: is not a plain list, so its price is not known; use plain values")
	}
	var bill budget.Bill
	for _, template := range templates {
		claim, _ := template.(map[string]any)
		gib, err := claimGiB(claim)
		if err != nil {
			return nil, err
		}
		bill = append(bill, catalog.BlockStorage.Line(budget.ItemVolumes, gib*replicas))
	}
	return bill, nil
}

// claimGiB returns the size that a volume claim requests, rounded up to GiB.
func claimGiB(in inputs) (int, error) {
	at := in
	for _, key := range []string{"spec", "resources", "requests"} {
		var err error
		if at, err = at.object(key); err != nil {
			return 0, err
		}
	}
	text, err := at.text("storage", "")
	if err != nil {
		return 0, err
	}
	size, err := resource.ParseQuantity(text)
	if err != nil {
		return 0, fmt.Errorf("spec.resources.requests.storage: %q is not a size; write one such as 10Gi", text)
	}
	return int(math.Ceil(size.AsApproximateFloat64() / (1 << 30))), nil
}
