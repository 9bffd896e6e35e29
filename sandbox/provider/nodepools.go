package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// defaultPoolTag marks the pool that the provider takes for the nodePool of a
// cluster, whatever its name and size: resourceDigitalOceanKubernetesClusterRead in
// digitalocean/kubernetes/resource_kubernetes_cluster.go of
// digitalocean/terraform-provider-digitalocean. With two such pools it logs a
// warning and takes the last one.
const defaultPoolTag = "terraform:default-node-pool"

// declareNodePool brings the default pool of a cluster in line with the input
// nodePool: it makes the pool when there is none, and else updates name, count and
// tags in place.
func declareNodePool(inputs resource.PropertyMap, computed map[string]any) (map[string]any, error) {
	o := cloud.Object{Computed: computed}
	pools, err := o.NodePools()
	if err != nil {
		return nil, err
	}
	declared, ok := open(inputs)["nodePool"]
	if !ok || !declared.IsObject() {
		return computed, nil
	}
	pool := declared.ObjectValue()
	at := defaultPool(pools)
	if at < 0 {
		pools, at = append(pools, cloud.NodePool{ID: newID("pool"), Size: text(pool, "size")}), len(pools)
	}
	pools[at].Name = text(pool, "name")
	if count := pool["nodeCount"]; count.IsNumber() {
		pools[at].Count = int(count.NumberValue())
	}
	pools[at].Tags = append(texts(pool["tags"]), defaultPoolTag)
	if err := uniqueNames(pools); err != nil {
		return nil, err
	}
	return o.Computed, o.SetNodePools(pools, func() string { return newID("node") })
}

// defaultPool is the index of the default pool, or -1.
func defaultPool(pools []cloud.NodePool) int {
	for at := len(pools) - 1; at >= 0; at-- {
		if pools[at].HasTag(defaultPoolTag) {
			return at
		}
	}
	return -1
}

func uniqueNames(pools []cloud.NodePool) error {
	for i, pool := range pools {
		if slices.ContainsFunc(pools[:i], func(p cloud.NodePool) bool { return p.Name == pool.Name }) {
			return fmt.Errorf("422: the cluster has two node pools with the name %q", pool.Name)
		}
	}
	return nil
}

// readNodePool sets the input nodePool to what the default pool is now. Tags that
// the cloud or the provider adds are left out, as FilterTags does in
// digitalocean/kubernetes/kubernetes.go of the provider.
func readNodePool(o *cloud.Object) error {
	pools, err := o.NodePools()
	if err != nil {
		return err
	}
	at := defaultPool(pools)
	if at < 0 {
		return nil // the provider logs a warning and keeps what it knows
	}
	pool, _ := o.Inputs["nodePool"].(map[string]any)
	if pool == nil {
		pool = map[string]any{}
		o.Inputs["nodePool"] = pool
	}
	pool["name"], pool["size"], pool["nodeCount"] = pools[at].Name, pools[at].Size, pools[at].Count
	var tags []any
	for _, tag := range pools[at].Tags {
		if !strings.HasPrefix(tag, "k8s:") && !strings.HasPrefix(tag, "terraform:") && tag != "k8s" {
			tags = append(tags, tag)
		}
	}
	if delete(pool, "tags"); len(tags) > 0 {
		pool["tags"] = tags
	}
	return nil
}

func newID(of string) string { return uuid(of)("", nil) }

func texts(list resource.PropertyValue) []string {
	var out []string
	if list.IsArray() {
		for _, element := range list.ArrayValue() {
			if element.IsString() {
				out = append(out, element.StringValue())
			}
		}
	}
	return out
}
