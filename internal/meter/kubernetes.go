package meter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// priceService prices the load balancer that DigitalOcean creates for a Service of type
// LoadBalancer. It is a network load balancer unless an annotation selects the regional
// one. Other types of Service cost nothing.
func priceService(_ Stack, in inputs) (budget.Bill, error) {
	spec, err := in.object("spec")
	if err != nil {
		return nil, err
	}
	kind, err := spec.text("type", "ClusterIP")
	if err != nil {
		return nil, err
	}
	switch kind {
	case "LoadBalancer":
		return priceBalancer(in, spec)
	case "ClusterIP", "NodePort", "ExternalName":
		return nil, nil
	}
	return nil, fmt.Errorf("spec.type: %q is not a type of Service, so its price is not known", kind)
}

func priceBalancer(in, spec inputs) (budget.Bill, error) {
	if _, set := spec["loadBalancerClass"]; set {
		return nil, errors.New("spec.loadBalancerClass: has no price here; leave it out")
	}
	annotations, err := in.at("metadata", "annotations")
	if err != nil {
		return nil, err
	}
	if err := checkAnnotations(annotations); err != nil {
		return nil, err
	}
	kind, err := annotations.text(catalog.BalancerAnnotations+"type", catalog.NetworkBalancerType)
	if err != nil {
		return nil, err
	}
	text, err := annotations.text(catalog.BalancerAnnotations+"size-unit", "1")
	if err != nil {
		return nil, err
	}
	units, err := strconv.Atoi(text)
	if err != nil || units < 1 || units > catalog.LoadBalancerNodes {
		return nil, fmt.Errorf("%ssize-unit: %q is not a whole number from 1 to %d", catalog.BalancerAnnotations, text, catalog.LoadBalancerNodes)
	}
	switch kind {
	case catalog.BalancerType:
		return budget.Bill{catalog.LoadBalancer.Line(budget.ItemLoadBalancer, units)}, nil
	case catalog.NetworkBalancerType:
		return budget.Bill{catalog.NetworkLoadBalancer.Line(budget.ItemLoadBalancer, units)}, nil
	}
	return nil, fmt.Errorf("%stype: %q has no price here; write %s or %s", catalog.BalancerAnnotations, kind, catalog.BalancerType, catalog.NetworkBalancerType)
}

// checkAnnotations returns an error for annotations of the load balancer that may change its
// price. Annotations of others are allowed.
func checkAnnotations(annotations inputs) error {
	about := inputs{}
	for key, value := range annotations {
		if strings.Contains(key, "do-loadbalancer-") || strings.HasPrefix(key, "kubernetes.digitalocean.com/") {
			about[key] = value
		}
	}
	return about.only("metadata.annotations", catalog.KnownBalancerAnnotations()...)
}

func priceClaim(s Stack, in inputs) (budget.Bill, error) {
	gib, err := s.claimGiB(in)
	if err != nil {
		return nil, err
	}
	return budget.Bill{catalog.BlockStorage.Line(budget.ItemVolumes, gib)}, nil
}

// priceStatefulSet prices the claims of all replicas.
func priceStatefulSet(s Stack, in inputs) (budget.Bill, error) {
	spec, err := in.object("spec")
	if err != nil {
		return nil, err
	}
	if err := checkVolumes(in, "spec", "template", "spec"); err != nil {
		return nil, err
	}
	replicas, err := spec.number("replicas", 1)
	if err != nil {
		return nil, err
	}
	templates, err := spec.list("volumeClaimTemplates")
	if err != nil {
		return nil, fmt.Errorf("spec.%w", err)
	}
	var bill budget.Bill
	for i, template := range templates {
		gib, err := s.claimGiB(template)
		if err != nil {
			return nil, fmt.Errorf("spec.volumeClaimTemplates[%d].%w", i, err)
		}
		bill = append(bill, catalog.BlockStorage.Line(budget.ItemVolumes, gib*replicas))
	}
	return bill, nil
}

// claimGiB returns the size of the disk of a volume claim, which is a whole number of GiB.
func (s Stack) claimGiB(in inputs) (int, error) {
	spec, err := in.object("spec")
	if err != nil {
		return 0, err
	}
	// A snapshot or another claim as the source, and a class of attributes, have sizes and
	// prices of their own.
	if err := spec.only("spec", "accessModes", "resources", "storageClassName", "volumeMode"); err != nil {
		return 0, err
	}
	class, err := spec.text("storageClassName", "")
	if err != nil {
		return 0, err
	}
	if err := s.checkClass(class); err != nil {
		return 0, err
	}
	requests, err := spec.at("resources", "requests")
	if err != nil {
		return 0, err
	}
	text, err := requests.text("storage", "")
	if err != nil {
		return 0, err
	}
	size, err := resource.ParseQuantity(text)
	const gib = 1 << 30
	if err != nil || size.Sign() <= 0 || size.CmpInt64(catalog.VolumeGiB*gib) > 0 {
		return 0, fmt.Errorf("spec.resources.requests.storage: %q is not a size from 1Gi to %dGi", text, catalog.VolumeGiB)
	}
	return int((size.Value() + gib - 1) / gib), nil
}

// checkClass allows DigitalOcean's storage classes (csi-digitalocean). Empty is the default
// class.
func (s Stack) checkClass(class string) error {
	switch {
	case class == "", class == catalog.StorageClass:
		return nil
	case class != catalog.RetainedStorageClass:
		return fmt.Errorf("spec.storageClassName: %q has no price here; use %s", class, catalog.StorageClass)
	case !s.RetainedVolumes:
		return fmt.Errorf("spec.storageClassName: %s keeps the disk and its price when the claim is deleted, so only a protected stack may use it; use %s",
			class, catalog.StorageClass)
	}
	return nil
}

// priceIssuer refuses a solver that would make Pods, which the sizing does not count.
func priceIssuer(_ Stack, in inputs) (budget.Bill, error) {
	acme, err := in.at("spec", "acme")
	if err != nil {
		return nil, err
	}
	solvers, err := acme.list("solvers")
	if err != nil {
		return nil, err
	}
	for i, solver := range solvers {
		if err := solver.only(fmt.Sprintf("spec.acme.solvers[%d]", i), "dns01", "selector"); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
