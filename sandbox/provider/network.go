package provider

import (
	"errors"
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// second is a second of the cloud's time, which passes a thousand times faster
// here.
const second = time.Millisecond

const (
	// vpcDeleteTimeout is how long the provider tries to delete a VPC unless the
	// resource says otherwise (resource_vpc.go of terraform-provider-digitalocean 2.96).
	vpcDeleteTimeout = 120 * second
	// memberLeaves is how long a deleted cluster or database stays a member of its
	// VPC. Its delete has returned by then. The real time is not documented; it is
	// longer than vpcDeleteTimeout (terraform-provider-digitalocean#488, #1267).
	memberLeaves = 400 * second
)

// tokenLeaving marks a member that is deleted and has not left its VPC.
const tokenLeaving = "digitalocean:leaving/member:Member"

func (d *digitalOcean) vpcKind() *kind {
	return &kind{
		inputs: []string{"description", "ipRange", "name", "region"}, required: []string{"region"},
		uniqueName: true, deleteFirst: true,
		replaceOn: []string{"ipRange", "region"}, check: checkRegion, id: uuid(tokenVPC),
		release: d.releaseVPC, deleteTimeout: vpcDeleteTimeout, gone: d.forgetMembers,
		unknown: []string{"vpcUrn", "createdAt", "default"},
		compute: func(id string, in resource.PropertyMap) map[string]any {
			return map[string]any{
				"vpcUrn": "do:vpc:" + id, "createdAt": "2026-01-01T00:00:00Z", "default": d.becomesDefault(text(in, "region")),
			}
		},
	}
}

// becomesDefault reports whether a new VPC becomes its region's default: the first
// one in a region does (godo#337).
func (d *digitalOcean) becomesDefault(region string) bool {
	_, fresh, err := d.cloud.Get(cloud.TokenFreshAccount, region)
	return err == nil && fresh && d.defaultVPC(region) == nil
}

// defaultVPC is the region's default VPC on an account that had none.
func (d *digitalOcean) defaultVPC(region string) resource.PropertyMap {
	return d.vpc(func(o cloud.Object) bool { return o.Inputs["region"] == region && o.Computed["default"] == true })
}

// vpc is the first VPC that matches, as the data source returns it; nil for none.
func (d *digitalOcean) vpc(matches func(cloud.Object) bool) resource.PropertyMap {
	ids, _ := d.cloud.IDs(tokenVPC) // no folder is no VPC
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

// lookupVPC is the data source: by region it is that region's default VPC. An
// account that is not fresh has one (datasource_vpc.go).
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

// releaseVPC refuses to delete a default VPC (403) and one that has members (409).
// The provider tries again on both.
func (d *digitalOcean) releaseVPC(id string) (bool, error) {
	o, _, err := d.cloud.Get(tokenVPC, id)
	if err != nil {
		return false, err
	}
	if o.Computed["default"] == true {
		return true, errors.New("403: Error deleting VPC: Can not delete default VPCs")
	}
	members, err := d.members(id)
	if err != nil || len(members) == 0 {
		return false, err
	}
	return true, fmt.Errorf("409: Error deleting VPC: Can not delete VPC with members: %v", members)
}

// members are the clusters and databases in a VPC, those that are leaving too.
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

// leave notes that a deleted thing is a member of its VPC for a while.
func (d *digitalOcean) leave(id string, vpc any) error {
	return d.cloud.Put(tokenLeaving, id, cloud.Object{Inputs: map[string]any{
		"vpc": vpc, "until": time.Now().Add(memberLeaves).UnixMilli(),
	}})
}

// forgetMembers removes the notes of members of a VPC that is gone.
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

// awaitRelease tries until a thing may be deleted, as long as the provider does.
// timeout is the resource's own, in seconds of the cloud's time; 0 means the
// type's default.
func (k *kind) awaitRelease(id string, timeout float64) error {
	if k.release == nil {
		return nil
	}
	patience := k.deleteTimeout
	if timeout > 0 {
		patience = time.Duration(timeout * float64(second))
	}
	deadline := time.Now().Add(patience)
	for {
		again, err := k.release(id)
		if err == nil || !again || time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * second)
	}
}
