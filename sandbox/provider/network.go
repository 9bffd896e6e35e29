package provider

import (
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// second is one second of the cloud's time. It passes a thousand times faster here.
const second = time.Millisecond

const (
	// vpcDeleteTimeout is how long the provider tries to delete a VPC if the resource
	// has no timeout of its own (resource_vpc.go of terraform-provider-digitalocean 2.96).
	vpcDeleteTimeout = 120 * second
	// leaveTime is how long a cluster or database stays a member of its VPC after its
	// delete returned. The real time is not documented; it is longer than
	// vpcDeleteTimeout (terraform-provider-digitalocean#488, #1267).
	leaveTime = 400 * second
)

// tokenLeaving is the type of a deleted member that has not left its VPC yet.
const tokenLeaving = "digitalocean:leaving/member:Member"

func (d *digitalOcean) vpcKind() *kind {
	return &kind{
		inputs: []string{"description", "ipRange", "name", "region"}, required: []string{"region"},
		uniqueName: true, deleteFirst: true,
		replaceOn: []string{"ipRange", "region"}, check: checkRegion, id: uuid(tokenVPC),
		remove: d.removeVPC, deleteTimeout: vpcDeleteTimeout, afterDelete: d.forgetMembers,
		unknown: []string{"vpcUrn", "createdAt", "default"},
		compute: func(id string, in resource.PropertyMap) map[string]any {
			return map[string]any{
				"vpcUrn": "do:vpc:" + id, "createdAt": "2026-01-01T00:00:00Z", "default": d.becomesDefault(text(in, "region")),
			}
		},
	}
}

// becomesDefault reports whether a new VPC becomes the default of its region. The first
// VPC of a region does (godo#337).
func (d *digitalOcean) becomesDefault(region string) bool {
	_, fresh, err := d.cloud.Get(cloud.TokenFreshAccount, region)
	return err == nil && fresh && d.defaultVPC(region) == nil
}

// defaultVPC returns the region's default VPC on an account that had none; nil if there
// is none yet.
func (d *digitalOcean) defaultVPC(region string) resource.PropertyMap {
	return d.vpc(func(o cloud.Object) bool { return o.Inputs["region"] == region && o.Computed["default"] == true })
}

// vpc returns the first VPC that matches, in the form of the data source; nil for none.
func (d *digitalOcean) vpc(matches func(cloud.Object) bool) resource.PropertyMap {
	ids, _ := d.cloud.IDs(tokenVPC) // a cloud that cannot be read has no VPC
	for _, id := range ids {
		if o, found, err := d.cloud.Get(tokenVPC, id); err == nil && found && matches(o) {
			return resource.NewPropertyMapFromMap(map[string]any{
				"id": id, "name": o.Inputs["name"], "region": o.Inputs["region"], "ipRange": o.Inputs["ipRange"],
				"default": o.Computed["default"], "urn": o.Computed["vpcUrn"], "createdAt": o.Computed["createdAt"],
			})
		}
	}
	return nil
}

// lookupVPC is the data source of a VPC, by name, or by region for that region's default
// VPC (datasource_vpc.go). Every account has a default VPC, unless the cloud has an object
// of type cloud.TokenFreshAccount for the region.
func (d *digitalOcean) lookupVPC(args resource.PropertyMap) (resource.PropertyMap, error) {
	if name := text(args, "name"); name != "" {
		if found := d.vpc(func(o cloud.Object) bool { return o.Inputs["name"] == name }); found != nil {
			return found, nil
		}
		return nil, fmt.Errorf("Error retrieving VPC: no VPCs found with name %s", name) //nolint:staticcheck // the provider's own words
	}
	region := text(args, "region")
	if found := d.defaultVPC(region); found != nil {
		return found, nil
	}
	if _, fresh, err := d.cloud.Get(cloud.TokenFreshAccount, region); err != nil || fresh {
		return nil, errors.Join(err, fmt.Errorf("Error retrieving VPC: unable to find default VPC in %s region", region)) //nolint:staticcheck // the provider's own words
	}
	return resource.NewPropertyMapFromMap(map[string]any{
		"id": hexID("default", region), "name": "default-" + region, "region": region, "ipRange": "10.135.0.0/16", "default": true,
	}), nil
}

// removeVPC returns an error for a default VPC (403) and for one that has members (409).
// The provider tries again after both.
func (d *digitalOcean) removeVPC(id string) error {
	o, _, err := d.cloud.Get(tokenVPC, id)
	if err != nil {
		return err
	}
	if o.Computed["default"] == true {
		return retryable{errors.New("403: Error deleting VPC: Can not delete default VPCs")}
	}
	members, err := d.members(id)
	if err != nil || len(members) == 0 {
		return err
	}
	return retryable{fmt.Errorf("409: Error deleting VPC: Can not delete VPC with members: %v", members)}
}

// members returns the clusters and databases in a VPC, with those that are leaving.
func (d *digitalOcean) members(vpc string) ([]string, error) {
	var out []string
	for token, field := range map[string]string{
		tokenCluster: "vpcUuid", tokenDatabase: "privateNetworkUuid", tokenLeaving: "vpc",
	} {
		ids, err := d.cloud.IDs(token)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			o, _, err := d.cloud.Get(token, id)
			if err != nil {
				return nil, err
			}
			until, leaving := o.Inputs["until"].(float64)
			if o.Inputs[field] == vpc && (!leaving || time.Now().UnixMilli() < int64(until)) {
				out = append(out, token+" "+id)
			}
		}
	}
	return out, nil
}

// startLeaving records that a deleted cluster or database stays a member of its VPC for
// leaveTime.
func (d *digitalOcean) startLeaving(id string, vpc any) error {
	return d.cloud.Put(tokenLeaving, id, cloud.Object{Inputs: map[string]any{
		"vpc": vpc, "until": time.Now().Add(leaveTime).UnixMilli(),
	}})
}

// forgetMembers deletes the records of startLeaving for a deleted VPC.
func (d *digitalOcean) forgetMembers(vpc string, _ cloud.Object) error {
	ids, err := d.cloud.IDs(tokenLeaving)
	errs := []error{err}
	for _, id := range ids {
		if o, _, err := d.cloud.Get(tokenLeaving, id); err == nil && o.Inputs["vpc"] == vpc {
			errs = append(errs, d.cloud.Delete(tokenLeaving, id))
		}
	}
	return errors.Join(errs...)
}
