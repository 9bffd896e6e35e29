package meter

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
)

// rule says how resources of a type are priced.
type rule struct {
	// inputs are all inputs that a resource may have, by the path of their object. The
	// empty path has the resource's own inputs. Nil allows all.
	inputs map[string][]string
	// ignorable are the paths that the option ignoreChanges may name.
	ignorable []string
	// inCluster is true for types that cost money on DigitalOcean only.
	inCluster bool
	price     func(Stack, inputs) (budget.Bill, error)
}

// rules has all types that can cost something.
var rules = map[string]rule{
	"digitalocean:index/kubernetesCluster:KubernetesCluster": {price: priceCluster, inputs: map[string][]string{
		"": {
			"autoUpgrade", "clusterSubnet", "controlPlaneFirewall", "corednsAutoscaler", "destroyAllAssociatedResources", "ha",
			"kubeconfigExpireSeconds", "maintenancePolicy", "name", "nodePool", "region", "serviceSubnet", "surgeUpgrade", "tags",
			"version", "vpcUuid",
		},
		"nodePool": {"labels", "name", "nodeCount", "size", "tags", "taints"},
	},
		// cluster.New compares the size with that of the running cluster, and a version has
		// no price.
		ignorable: []string{"nodePool.size", "version"}},
	"digitalocean:index/databaseCluster:DatabaseCluster": {price: priceDatabase, inputs: map[string][]string{
		"": {"engine", "maintenanceWindows", "name", "nodeCount", "privateNetworkUuid", "projectId", "region", "size", "tags", "version"},
	}},
	"digitalocean:index/uptimeCheck:UptimeCheck": {price: priceUptimeCheck, inputs: map[string][]string{
		"": {"enabled", "name", "regions", "target", "type"},
	}},
	release: {price: func(s Stack, in inputs) (budget.Bill, error) { return nil, s.checkRelease(in) }},

	"kubernetes:core/v1:Service": {price: priceService, inCluster: true},
	// A claim keeps its class when the stack becomes protected. All classes have one price.
	"kubernetes:core/v1:PersistentVolumeClaim": {price: priceClaim, inCluster: true, ignorable: []string{"spec.storageClassName"}},
	"kubernetes:apps/v1:StatefulSet":           {price: priceStatefulSet, inCluster: true},

	"kubernetes:apps/v1:DaemonSet":             pods("spec", "template", "spec"),
	"kubernetes:apps/v1:Deployment":            pods("spec", "template", "spec"),
	"kubernetes:apps/v1:ReplicaSet":            pods("spec", "template", "spec"),
	"kubernetes:batch/v1:CronJob":              pods("spec", "jobTemplate", "spec", "template", "spec"),
	"kubernetes:batch/v1:Job":                  pods("spec", "template", "spec"),
	"kubernetes:core/v1:Pod":                   pods("spec"),
	"kubernetes:core/v1:PodTemplate":           pods("template", "spec"),
	"kubernetes:core/v1:ReplicationController": pods("spec", "template", "spec"),

	"kubernetes:cert-manager.io/v1:ClusterIssuer": {inCluster: true, price: priceIssuer},
}

// HasPrice reports whether resources of the type can cost something.
func HasPrice(token string) bool { return rules[token].price != nil }

// check returns an error if the resource is not what its type says, or has an input or an
// option with which its price would not be known.
func (r Resource) check() error {
	known := rules[r.Type]
	errs := []error{r.checkKind(), inputs(r.Inputs).onlyIn("", known.inputs)}
	if known.price == nil {
		return errors.Join(errs...)
	}
	for _, path := range r.IgnoreChanges {
		if !slices.Contains(known.ignorable, path) {
			errs = append(errs, fmt.Errorf("ignoreChanges: %s could keep a value that is not on the bill; remove the option", path))
		}
	}
	return errors.Join(errs...)
}

// checkKind returns an error if the inputs of a Kubernetes object name another kind than its
// type does. The provider sends the kind of the inputs to the API server.
func (r Resource) checkKind() error {
	parts := strings.Split(r.Type, ":")
	if len(parts) != 3 || parts[0] != "kubernetes" || r.Type == release {
		return nil
	}
	version := strings.TrimPrefix(parts[1], "core/")
	for key, want := range map[string]string{"apiVersion": version, "kind": parts[2]} {
		if got, set := r.Inputs[key]; set && got != want {
			return fmt.Errorf("%s: %v is not %s, which the type %s stands for", key, got, want, r.Type)
		}
	}
	return nil
}

func (s Stack) price(r Resource) (budget.Bill, error) {
	if r.isFree() {
		return nil, nil
	}
	known, ok := rules[r.Type]
	switch {
	case !ok || r.Component:
		return nil, r.unknown()
	case known.inCluster && !s.OwnNodes:
		return nil, nil
	}
	return known.price(s, r.Inputs)
}

// unknown returns the error for a type that no list knows.
func (r Resource) unknown() error {
	kind := r.Type[strings.LastIndex(r.Type, ":")+1:]
	kubernetes := strings.HasPrefix(r.Type, "kubernetes:")
	switch {
	case kubernetes && strings.HasSuffix(kind, "List"):
		return fmt.Errorf("the type %s has no price here, because a list can have anything; declare each object as a resource", r.Type)
	case kubernetes && strings.HasSuffix(kind, "Patch"):
		return fmt.Errorf("the type %s has no price here, because it changes an object of others; declare the whole object", r.Type)
	}
	return fmt.Errorf("the type %s has no price here; add a rule in internal/meter/rules.go, or list the type with the reason in internal/meter/free.go", r.Type)
}
