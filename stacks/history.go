package stacks

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
)

// history has the outputs of the stack's last update that this one needs. It is zero before
// the first update.
type history struct {
	// tenants has every name that an earlier update found in the stack file.
	tenants lifecycle.History
	// sizes are those that only grow.
	sizes lifecycle.Sizes
	// kubernetesVersion is the minor that the last update declared.
	kubernetesVersion string
}

// readHistory reads the stack's own outputs.
func readHistory(ctx *pulumi.Context) (history, error) {
	itself := fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())
	reference, err := pulumi.NewStackReference(ctx, "last-update", &pulumi.StackReferenceArgs{Name: pulumi.String(itself)})
	if err != nil {
		return history{}, fmt.Errorf("read the stack's own outputs: %w", err)
	}
	tenants, err := readTenants(reference)
	if err != nil {
		return history{}, err
	}
	version, err := output[string](reference, OutputKubernetesVersion)
	if err != nil {
		return history{}, err
	}
	sizes, err := readSizes(reference)
	if err != nil {
		return history{}, err
	}
	return history{tenants: tenants, sizes: sizes, kubernetesVersion: version}, nil
}

func readSizes(reference *pulumi.StackReference) (lifecycle.Sizes, error) {
	found, err := output[map[string]any](reference, OutputSizes)
	if err != nil {
		return lifecycle.Sizes{}, err
	}
	sizes, err := lifecycle.DecodeSizes(found)
	if err != nil {
		return lifecycle.Sizes{}, fmt.Errorf("the stack's output %s: %w; was it written by another program?", OutputSizes, err)
	}
	return sizes, nil
}

// readTenants reads the tenants' history. If an older version of the program made the last
// update, the outputs have only the tenants' states.
func readTenants(reference *pulumi.StackReference) (lifecycle.History, error) {
	records, err := output[map[string]any](reference, OutputTenantHistory)
	if err != nil {
		return nil, err
	}
	if records != nil {
		h, err := lifecycle.Decode(records)
		if err != nil {
			return nil, fmt.Errorf("the stack's output %s: %w; was it written by another program?", OutputTenantHistory, err)
		}
		return h, nil
	}
	states, err := output[map[string]any](reference, OutputTenants)
	h := lifecycle.History{}
	for name, state := range states {
		h[name] = lifecycle.Record{State: fmt.Sprint(state), Declared: true, Life: 1}
	}
	return h, err
}

// output returns one output of a stack, or the zero value if the stack has no such output.
func output[T any](reference *pulumi.StackReference, name string) (T, error) {
	var zero T
	found, err := reference.GetOutputDetails(name)
	if err != nil {
		return zero, fmt.Errorf("read the stack's own outputs: %w", err)
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

// nextTenants compares the declared tenants with the history of earlier updates, and returns
// the history after this update. It logs a warning about entries that are missing now. The
// error is settings.Faults.
func (c config) nextTenants(ctx *pulumi.Context, before lifecycle.History) (lifecycle.History, error) {
	next, refused := before.Next(c.Tenants)
	var faults settings.Faults
	for _, f := range refused {
		faults = append(faults, f.Fault)
	}
	vanished, appeared := before.Vanished(c.Tenants)
	gone := strings.Join(vanished, ", ")
	if len(vanished) > 0 && len(appeared) > 0 {
		faults = append(faults, settings.Fault{Path: "settings.tenants", Problem: fmt.Sprintf(
			"%s vanished while %s appeared. That looks like a rename, and would end in an empty tenant beside a suspended one. "+
				"For a rename write renamedFrom into the new entry. To do both, suspend %[1]s first (state: suspended) or run two updates", gone, strings.Join(appeared, ", "))})
	}
	if len(faults) > 0 {
		return nil, faults
	}
	if len(vanished) == 0 {
		return next, nil
	}
	return next, ctx.Log.Warn("no longer declared, and so suspended; nothing of theirs is dropped: "+gone+" (docs/tenancy.md says how to purge)", nil)
}

func states(tenants []settings.Tenant) map[string]any {
	out := map[string]any{}
	for _, t := range tenants {
		out[t.Name] = t.State
	}
	return out
}
