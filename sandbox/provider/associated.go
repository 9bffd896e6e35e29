package provider

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Load balancers and volumes that Kubernetes orders from DigitalOcean. Pulumi does
// not know them; they bill as long as they exist. They are deleted
//   - with their Service, or with their claim unless its class retains the disk
//     (reclaimPolicy Retain of do-block-storage-retain: csi-digitalocean#646);
//   - with their namespace, which takes its Services and claims;
//   - with the cluster, if destroyAllAssociatedResources is set; otherwise they stay
//     (digitalocean/terraform-provider-digitalocean, kubernetes_cluster).
const (
	tokenOrderedBalancer = "digitalocean:associated/loadBalancer:LoadBalancer"
	tokenOrderedVolume   = "digitalocean:associated/volume:Volume"

	tokenNamespace = "kubernetes:core/v1:Namespace"
	tokenService   = "kubernetes:core/v1:Service"
	tokenClaim     = "kubernetes:core/v1:PersistentVolumeClaim"

	retainingClass = "do-block-storage-retain"
)

// order asks DigitalOcean for what an object needs there.
func order(c cloud.Cloud, token, id string, in resource.PropertyMap) error {
	switch {
	case token == tokenService && text(in, "spec", "type") == "LoadBalancer":
		return c.Put(tokenOrderedBalancer, id, cloud.Object{})
	case token == tokenClaim:
		return c.Put(tokenOrderedVolume, id, cloud.Object{Inputs: map[string]any{
			"class": text(in, "spec", "storageClassName"), "size": text(in, "spec", "resources", "requests", "storage"),
		}})
	}
	return nil
}

// giveBack deletes what an object that is gone had ordered.
func giveBack(c cloud.Cloud, token, id string) error {
	switch token {
	case tokenService:
		return c.Delete(tokenOrderedBalancer, id)
	case tokenClaim:
		volume, _, err := c.Get(tokenOrderedVolume, id)
		if err != nil || volume.Inputs["class"] == retainingClass {
			return err
		}
		return c.Delete(tokenOrderedVolume, id)
	case tokenNamespace:
		return emptyNamespace(c, id)
	}
	return nil
}

// emptyNamespace deletes every object of a namespace that is gone.
func emptyNamespace(c cloud.Cloud, name string) error {
	var errs []error
	for _, token := range append(slices.Collect(maps.Keys(apis)), tokenRelease) {
		ids, err := c.IDs(token)
		errs = append(errs, err)
		for _, id := range ids {
			if strings.HasPrefix(id, name+"/") {
				errs = append(errs, c.Delete(token, id), giveBack(c, token, id))
			}
		}
	}
	return errors.Join(errs...)
}

// endCluster deletes everything that was in a cluster that is gone.
func endCluster(c cloud.Cloud, associatedToo bool) error {
	errs := []error{c.DeleteAll("kubernetes")}
	if associatedToo {
		for _, token := range []string{tokenOrderedBalancer, tokenOrderedVolume} {
			ids, err := c.IDs(token)
			errs = append(errs, err)
			for _, id := range ids {
				errs = append(errs, c.Delete(token, id))
			}
		}
	}
	return errors.Join(errs...)
}
