package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// defaultPoolTag is the tag of the default pool. The provider reads the input nodePool
// of a cluster from the pool with this tag, whatever its name and size
// (resourceDigitalOceanKubernetesClusterRead in
// digitalocean/kubernetes/resource_kubernetes_cluster.go of
// digitalocean/terraform-provider-digitalocean). If two pools have the tag, it logs a
// warning and uses the last one.
const defaultPoolTag = "terraform:default-node-pool"

// applyNodePool creates the default pool of a cluster from the input nodePool. If the
// pool exists, it updates name, count and tags in place.
func applyNodePool(inputs resource.PropertyMap, computed map[string]any) (map[string]any, error) {
	o := cloud.Object{Computed: computed}
	pools, err := o.NodePools()
	if err != nil {
		return nil, err
	}
	declared, ok := unwrap(inputs)["nodePool"]
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

// defaultPool returns the index of the default pool, -1 if there is none.
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

// readNodePool sets the input nodePool to the present state of the default pool. It omits
// the tags that the cloud and the provider add, as FilterTags does in
// digitalocean/kubernetes/kubernetes.go of the provider.
func readNodePool(o *cloud.Object) error {
	pools, err := o.NodePools()
	if err != nil {
		return err
	}
	at := defaultPool(pools)
	if at < 0 {
		return nil // the provider logs a warning and keeps the old value
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
