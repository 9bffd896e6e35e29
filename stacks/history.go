package stacks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/settings"
)

// compareTenants holds the declared tenants against those of the stack's last
// update, which it finds among its own outputs. Entries that vanished are
// reported before anything happens. Entries that vanish while others appear are
// refused: that is what a rename looks like, and it would end in an empty tenant
// beside a suspended one.
func (d declared) compareTenants(ctx *pulumi.Context) error {
	before, err := lastTenants(ctx)
	if err != nil {
		return err
	}
	now := states(d.Tenants)
	vanished, appeared := missing(before, now), missing(now, before)
	vanished = slices.DeleteFunc(vanished, func(name string) bool { return before[name] == settings.Purged })
	switch {
	case len(vanished) == 0:
		return nil
	case len(appeared) > 0:
		return fmt.Errorf("settings.tenants: %s vanished while %s appeared, and a tenant cannot be renamed in place; to rename, see docs/tenancy.md; "+
			"to do both, suspend %[1]s first (state: suspended) or take two updates", strings.Join(vanished, ", "), strings.Join(appeared, ", "))
	}
	return ctx.Log.Warn(fmt.Sprintf("no longer declared, and so suspended; nothing of theirs is dropped: %s (docs/tenancy.md says how to purge)",
		strings.Join(vanished, ", ")), nil)
}

// lastTenants are the tenants and their states after the last update; none when
// there was no update.
func lastTenants(ctx *pulumi.Context) (map[string]string, error) {
	itself := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	reference, err := pulumi.NewStackReference(ctx, "last-update", &pulumi.StackReferenceArgs{Name: pulumi.String(itself)})
	if err != nil {
		return nil, fmt.Errorf("the stack's own outputs: %w", err)
	}
	output, err := reference.GetOutputDetails(OutputTenants)
	if err != nil {
		return nil, fmt.Errorf("the stack's own outputs: %w", err)
	}
	if output.Value == nil {
		return nil, nil
	}
	value, ok := output.Value.(map[string]any)
	if !ok {
		return nil, errors.New("the stack's output tenants is no map")
	}
	out := map[string]string{}
	for name, state := range value {
		out[name] = fmt.Sprint(state)
	}
	return out, nil
}

func states(tenants []settings.Tenant) map[string]string {
	out := map[string]string{}
	for _, t := range tenants {
		out[t.Name] = t.State
	}
	return out
}

// missing are the names that are in one and not in the other.
func missing(one, other map[string]string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(one)), func(name string) bool {
		_, there := other[name]
		return there
	})
}
