// Package dns declares the stack's records in a Cloudflare zone: A records for the app,
// Grafana and all tenants (a wildcard), and CAA records that let only Let's Encrypt issue
// certificates for the domain.
package dns

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-cloudflare/sdk/v5/go/cloudflare"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/names"
)

const typeToken = "platform:dns:Records"

const (
	// authority is Let's Encrypt's name in CAA records.
	authority = "letsencrypt.org"
	// automaticTTL is Cloudflare's value for an automatic time to live.
	automaticTTL = 1
)

// Args are the arguments of New.
type Args struct {
	// Zone is the name of a Cloudflare zone that exists. Required.
	Zone string
	// Domain is the stack's host name: Zone or a name below it. The wildcard below it has
	// the same address. Required.
	Domain string
	// Proxied sends the traffic of all hosts through Cloudflare. Default: false.
	Proxied bool
	// Protect refuses to delete the records.
	Protect bool
	// Address is the IPv4 address of all hosts. Required.
	Address pulumi.StringInput
}

// Records is the component. It has no outputs.
type Records struct {
	pulumi.ResourceState
}

// New declares the records. If args are invalid it returns all faults and registers
// nothing. It looks the zone up by its name, so the provider's token must be able to read it.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Records, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("dns %q: %w", name, err)
	}
	r := &Records{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), r, opts...); err != nil {
		return nil, fmt.Errorf("dns %q: register: %w", name, err)
	}
	zone, err := cloudflare.LookupZone(ctx, &cloudflare.LookupZoneArgs{Name: &args.Zone}, pulumi.Parent(r))
	if err != nil {
		return nil, fmt.Errorf("dns %q: zone %q: %w", name, args.Zone, err)
	}
	for _, record := range args.records(name) {
		record.args.ZoneId = pulumi.String(zone.ZoneId)
		if _, err := cloudflare.NewRecord(ctx, record.name, record.args, pulumi.Parent(r), pulumi.Protect(args.Protect)); err != nil {
			return nil, fmt.Errorf("dns %q: record %q: %w", name, record.name, err)
		}
	}
	return r, ctx.RegisterResourceOutputs(r, pulumi.Map{})
}

type record struct {
	name string
	args *cloudflare.RecordArgs
}

// records returns the records to declare. Their order is that of their registration.
func (a Args) records(name string) []record {
	return []record{
		a.host(name+"-app", a.Domain),
		a.host(name+"-grafana", names.GrafanaHost(a.Domain)),
		a.host(name+"-tenants", "*."+a.Domain),
		a.caa(name+"-caa", "issue"),
		a.caa(name+"-caa-wildcard", "issuewild"),
	}
}

func (a Args) host(name, host string) record {
	return record{name, &cloudflare.RecordArgs{
		Name: pulumi.String(a.relative(host)), Type: pulumi.String("A"), Content: a.Address.ToStringOutput(),
		Proxied: pulumi.Bool(a.Proxied), Ttl: pulumi.Int(automaticTTL), Comment: pulumi.String("managed by pulumi"),
	}}
}

func (a Args) caa(name, tag string) record {
	return record{name, &cloudflare.RecordArgs{
		Name: pulumi.String(a.relative(a.Domain)), Type: pulumi.String("CAA"), Ttl: pulumi.Int(automaticTTL),
		Data: &cloudflare.RecordDataArgs{
			Flags: pulumi.String("0"), Tag: pulumi.String(tag), Value: pulumi.String(authority),
		},
		Comment: pulumi.String("managed by pulumi"),
	}}
}

// relative returns a host without its zone, and "@" for the zone itself.
func (a Args) relative(host string) string {
	if host == a.Zone {
		return "@"
	}
	return strings.TrimSuffix(host, "."+a.Zone)
}

func (a Args) validate() error {
	var errs []error
	if a.Zone == "" {
		errs = append(errs, errors.New("zone: is missing"))
	}
	if a.Domain != a.Zone && !strings.HasSuffix(a.Domain, "."+a.Zone) {
		errs = append(errs, fmt.Errorf("domain: %q is not in the zone %q", a.Domain, a.Zone))
	}
	if a.Address == nil {
		errs = append(errs, errors.New("address: is missing"))
	}
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{"zone": pulumi.String(a.Zone), "domain": pulumi.String(a.Domain), "proxied": pulumi.Bool(a.Proxied)}
}
