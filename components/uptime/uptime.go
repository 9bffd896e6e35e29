// Package uptime declares DigitalOcean's checks of hosts from outside, and their alerts.
package uptime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "platform:uptime:Checks"

// CertificateDays is how many days before the end of a certificate an alert is sent.
const CertificateDays = 14

// period is how long a host must be down. DigitalOcean refuses an alert without a period. 2m is
// the shortest one.
const period = "2m"

// regions are all places from which DigitalOcean makes requests. The default of the API is not
// used: the provider reads back what the API chose, and would show a change for ever.
var regions = []string{"us_east", "us_west", "eu_west", "se_asia"}

// Check is a check of one host.
type Check struct {
	// Name is the name of the resources, and what an alert calls the host. It must be unique.
	Name string
	// URL is requested with GET. It must begin with https://.
	URL string
}

// Args are the arguments of New. All are required.
type Args struct {
	Checks []Check
	// Email receives the alerts. It must be the verified address of a member of the
	// DigitalOcean team (digitalocean/openapi, uptime/models/notification.yml).
	Email string
}

// Checks is the component. It has no outputs.
type Checks struct {
	pulumi.ResourceState
}

// New declares a check with two alerts for each host. If args are invalid it returns all faults
// and registers nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Checks, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("uptime %q: %w", name, err)
	}
	c := &Checks{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, pulumi.Map{"email": pulumi.String(args.Email)}, c, opts...); err != nil {
		return nil, fmt.Errorf("uptime %q: register: %w", name, err)
	}
	for _, check := range args.Checks {
		if err := check.register(ctx, name+"-"+check.Name, args.Email, c); err != nil {
			return nil, fmt.Errorf("uptime %q: %s: %w", name, check.Name, err)
		}
	}
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{})
}

// register declares the check and its alerts. DigitalOcean ignores the comparison and the
// threshold of a downtime alert and returns 1 and less_than, so these are set. The values are the
// API's own: the SDK's comments say downGlobal and lessThan, which the provider refuses
// (resource_uptime_alert.go of digitalocean/terraform-provider-digitalocean).
func (c Check) register(ctx *pulumi.Context, name, email string, parent pulumi.Resource) error {
	check, err := digitalocean.NewUptimeCheck(ctx, name, &digitalocean.UptimeCheckArgs{
		Name: pulumi.String(name), Type: pulumi.String("https"), Target: pulumi.String(c.URL), Regions: pulumi.ToStringArray(regions),
	}, pulumi.Parent(parent))
	if err != nil {
		return err
	}
	for _, alert := range []struct {
		suffix, kind string
		threshold    int
	}{{"down", "down_global", 1}, {"certificate", "ssl_expiry", CertificateDays}} {
		_, err := digitalocean.NewUptimeAlert(ctx, name+"-"+alert.suffix, &digitalocean.UptimeAlertArgs{
			CheckId: check.ID(), Name: pulumi.String(name + "-" + alert.suffix), Type: pulumi.String(alert.kind),
			Threshold: pulumi.Int(alert.threshold), Comparison: pulumi.String("less_than"), Period: pulumi.String(period),
			Notifications: digitalocean.UptimeAlertNotificationArray{
				&digitalocean.UptimeAlertNotificationArgs{Emails: pulumi.ToStringArray([]string{email})},
			},
		}, pulumi.Parent(parent))
		if err != nil {
			return err
		}
	}
	return nil
}

func (a Args) validate() error {
	var errs []error
	if a.Email == "" {
		errs = append(errs, errors.New("email: is missing"))
	}
	if len(a.Checks) == 0 {
		errs = append(errs, errors.New("checks: is empty"))
	}
	seen := map[string]bool{}
	for i, c := range a.Checks {
		if c.Name == "" || seen[c.Name] {
			errs = append(errs, fmt.Errorf("checks[%d].name: %q is empty, or another check has it", i, c.Name))
		}
		seen[c.Name] = true
		if !strings.HasPrefix(c.URL, "https://") {
			errs = append(errs, fmt.Errorf("checks[%d].url: %q does not begin with https://", i, c.URL))
		}
	}
	return errors.Join(errs...)
}
