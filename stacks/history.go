package stacks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/settings"
)

// history is what the stack's last update put into its outputs; zero when there
// was none.
type history struct {
	// tenants are their states by name.
	tenants map[string]string
	// kubernetesVersion is the minor that was declared.
	kubernetesVersion string
}

// readHistory reads the stack's own outputs.
func readHistory(ctx *pulumi.Context) (history, error) {
	itself := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	reference, err := pulumi.NewStackReference(ctx, "last-update", &pulumi.StackReferenceArgs{Name: pulumi.String(itself)})
	if err != nil {
		return history{}, fmt.Errorf("the stack's own outputs: %w", err)
	}
	tenants, err := output[map[string]any](reference, OutputTenants)
	if err != nil {
		return history{}, err
	}
	version, err := output[string](reference, OutputKubernetesVersion)
	if err != nil {
		return history{}, err
	}
	h := history{tenants: map[string]string{}, kubernetesVersion: version}
	for name, state := range tenants {
		h.tenants[name] = fmt.Sprint(state)
	}
	return h, nil
}

// output is one output of a stack; the zero value when it has none of the name.
func output[T any](reference *pulumi.StackReference, name string) (T, error) {
	var zero T
	found, err := reference.GetOutputDetails(name)
	if err != nil {
		return zero, fmt.Errorf("the stack's own outputs: %w", err)
	}
	if found.Value == nil {
		return zero, nil
	}
	value, ok := found.Value.(T)
	if !ok {
		return zero, fmt.Errorf("the stack's output %s is not of the type %T; was it written by another program?", name, zero)
	}
	return value, nil
}

// compareTenants compares the declared tenants with those of the last update.
// Entries that vanished are reported before anything happens. Entries that vanish
// while others appear are refused: that is what a rename looks like, and it would
// end in an empty tenant beside a suspended one.
func (d declared) compareTenants(ctx *pulumi.Context, before map[string]string) error {
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
