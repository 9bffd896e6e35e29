package meter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// pricers has, by resource type, the function that prices a resource by its inputs.
var pricers = map[string]func(inputs) (budget.Bill, error){
	"digitalocean:index/kubernetesCluster:KubernetesCluster":   priceCluster,
	"digitalocean:index/kubernetesNodePool:KubernetesNodePool": priceNodePool,
	"digitalocean:index/databaseCluster:DatabaseCluster":       priceDatabase,
	"digitalocean:index/droplet:Droplet":                       priceDroplet,
	"digitalocean:index/volume:Volume":                         priceVolume,
	"digitalocean:index/loadBalancer:LoadBalancer":             priceLoadBalancer,
	"digitalocean:index/uptimeCheck:UptimeCheck":               priceUptimeCheck,
}

// ownNodesPricers is for Kubernetes types that cost money on DigitalOcean only.
var ownNodesPricers = map[string]func(inputs) (budget.Bill, error){
	"kubernetes:core/v1:Service":               priceService,
	"kubernetes:core/v1:PersistentVolumeClaim": priceClaim,
	"kubernetes:apps/v1:StatefulSet":           priceStatefulSet,
}

func (m *Meter) price(r Resource) (budget.Bill, error) {
	if isFree(r.Type) {
		return nil, nil
	}
	if pricer, ok := ownNodesPricers[r.Type]; ok {
		if !m.ownNodes {
			return nil, nil
		}
		return pricer(r.Inputs)
	}
	if r.Type == release {
		return nil, checkChart(r.Inputs)
	}
	if pricer, ok := pricers[r.Type]; ok {
		return pricer(r.Inputs)
	}
	return nil, fmt.Errorf("the type %s has no price here; add one in internal/meter/price.go, or list the type in internal/meter/free.go", r.Type)
}

func priceCluster(in inputs) (budget.Bill, error) {
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

// priceNodePool prices an autoscaled pool at its maximum.
func priceNodePool(in inputs) (budget.Bill, error) {
	scales, err := in.boolean("autoScale", false)
	if err != nil {
		return nil, err
	}
	key := "nodeCount"
	if scales {
		key = "maxNodes"
	}
	count, err := in.count(key)
	if err != nil {
		return nil, err
	}
	return priceSize(in, budget.ItemNodes, count)
}

func priceDroplet(in inputs) (budget.Bill, error) { return priceSize(in, "droplets", 1) }

func priceSize(in inputs, item string, count int) (budget.Bill, error) {
	size, err := in.text("size", "")
	if err != nil {
		return nil, err
	}
	node, err := catalog.NodeBySize(size)
	if err != nil {
		return nil, fmt.Errorf("size: %w", err)
	}
	return budget.Bill{node.Line(item, count)}, nil
}

func priceDatabase(in inputs) (budget.Bill, error) {
	if _, ok := in["storageSizeMib"]; ok {
		return nil, fmt.Errorf("storageSizeMib: has no price here; leave it out, and take a larger size for more storage")
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

func priceVolume(in inputs) (budget.Bill, error) {
	gib, err := in.count("size")
	if err != nil {
		return nil, err
	}
	return budget.Bill{catalog.BlockStorage.Line(budget.ItemVolumes, gib)}, nil
}

func priceLoadBalancer(in inputs) (budget.Bill, error) {
	units, err := in.number("sizeUnit", 1)
	if err != nil {
		return nil, err
	}
	kind, err := in.text("type", "REGIONAL")
	if err != nil {
		return nil, err
	}
	return loadBalancer(kind, units), nil
}

func loadBalancer(kind string, units int) budget.Bill {
	price := catalog.NetworkLoadBalancer
	if kind == "REGIONAL" {
		price = catalog.LoadBalancer
	}
	return budget.Bill{price.Line(budget.ItemLoadBalancer, max(units, 1))}
}

// uptimeInputs are the inputs of a check at the time of its price. None of them changes it.
var uptimeInputs = []string{"enabled", "name", "regions", "target", "type"}

// priceUptimeCheck refuses an input that it does not know, because that may cost extra.
func priceUptimeCheck(in inputs) (budget.Bill, error) {
	for key := range in {
		if !slices.Contains(uptimeInputs, key) {
			return nil, fmt.Errorf("%s: has no price here; leave it out", key)
		}
	}
	return budget.Bill{catalog.UptimeCheck.Line(budget.ItemUptime, 1)}, nil
}

const release = "kubernetes:helm.sh/v3:Release"

// checkChart returns an error for every chart but cert-manager's. A chart can create
// anything; cert-manager's creates nothing that costs money.
func checkChart(in inputs) error {
	chart, err := in.text("chart", "")
	if err != nil {
		return err
	}
	if chart != "cert-manager" && !strings.HasSuffix(chart, "/cert-manager") {
		return fmt.Errorf("chart: %q has no price here, because a chart can create anything; only cert-manager is allowed", chart)
	}
	return nil
}
