package provider

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Load balancers and volumes that Kubernetes creates at DigitalOcean ("associated
// resources"). Pulumi's state does not have them. They bill as long as they exist. They
// are deleted
//   - with their Service, or with their claim unless its class retains the disk
//     (reclaimPolicy Retain of do-block-storage-retain: csi-digitalocean#646);
//   - with their namespace, because that deletes its Services and claims;
//   - with the cluster, if destroyAllAssociatedResources is set; otherwise they stay
//     (digitalocean/terraform-provider-digitalocean, kubernetes_cluster).
const (
	tokenAssociatedBalancer = "digitalocean:associated/loadBalancer:LoadBalancer"
	tokenAssociatedVolume   = "digitalocean:associated/volume:Volume"

	tokenNamespace = "kubernetes:core/v1:Namespace"
	tokenService   = "kubernetes:core/v1:Service"
	tokenClaim     = "kubernetes:core/v1:PersistentVolumeClaim"

	retainingClass = "do-block-storage-retain"
)

// createAssociated creates the load balancer of a Service, or the volume of a claim.
func createAssociated(c cloud.Cloud, token, id string, in resource.PropertyMap) error {
	switch {
	case token == tokenService && text(in, "spec", "type") == "LoadBalancer":
		return c.Put(tokenAssociatedBalancer, id, cloud.Object{})
	case token == tokenClaim:
		return c.Put(tokenAssociatedVolume, id, cloud.Object{Inputs: map[string]any{
			"class": text(in, "spec", "storageClassName"), "size": text(in, "spec", "resources", "requests", "storage"),
		}})
	}
	return nil
}

// deleteAssociated deletes what belonged to an object that was deleted: a load balancer,
// a volume, or the objects of a namespace.
func deleteAssociated(c cloud.Cloud, token, id string) error {
	switch token {
	case tokenService:
		return c.Delete(tokenAssociatedBalancer, id)
	case tokenClaim:
		volume, _, err := c.Get(tokenAssociatedVolume, id)
		if err != nil || volume.Inputs["class"] == retainingClass {
			return err
		}
		return c.Delete(tokenAssociatedVolume, id)
	case tokenNamespace:
		return deleteObjectsOf(c, id)
	}
	return nil
}

// deleteObjectsOf deletes every object of a namespace.
func deleteObjectsOf(c cloud.Cloud, namespace string) error {
	var errs []error
	for _, token := range append(slices.Collect(maps.Keys(apis)), tokenRelease) {
		ids, err := c.IDs(token)
		errs = append(errs, err)
		for _, id := range ids {
			if strings.HasPrefix(id, namespace+"/") {
				errs = append(errs, c.Delete(token, id), deleteAssociated(c, token, id))
			}
		}
	}
	return errors.Join(errs...)
}

// deleteCluster deletes every object that was in a deleted cluster, and its associated
// resources if associatedToo is set.
func deleteCluster(c cloud.Cloud, associatedToo bool) error {
	errs := []error{c.DeleteAll("kubernetes")}
	if associatedToo {
		for _, token := range []string{tokenAssociatedBalancer, tokenAssociatedVolume} {
			ids, err := c.IDs(token)
			errs = append(errs, err)
			for _, id := range ids {
				errs = append(errs, c.Delete(token, id))
			}
		}
	}
	return errors.Join(errs...)
}
