// Package dns declares the stack's records in a Cloudflare zone.
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

// Let's Encrypt's identity in CAA records, and Cloudflare's word for "automatic".
const (
	authority    = "letsencrypt.org"
	automaticTTL = 1
)

// Args say which names lead where.
type Args struct {
	// Zone holds the domain and is looked up by name.
	Zone string
	// Domain is the stack's host; its subdomains lead to the same address.
	Domain string
	// Proxied sends traffic through Cloudflare.
	Proxied bool
	// Protect refuses to delete the records.
	Protect bool
	// Address is the load balancer's IPv4 address.
	Address pulumi.StringInput
}

// Records is the component.
type Records struct {
	pulumi.ResourceState
}

// New declares the records; invalid args register nothing.
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

// records are the hosts (the app, Grafana, every tenant by a wildcard) and who
// may issue certificates for them.
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

// relative is a host without its zone, "@" for the zone itself.
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
