package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// guard keeps a protected stack whole. It stands for nothing in a cloud: it is
// protected when the stack is, and it depends on every other resource. It is declared
// on other stacks too, so that `protect` can be taken out of a stack file: the guard
// loses its flag by that update, where a guard that vanished would be refused. A destroy deletes dependants
// first and leaves alone whatever a protected resource depends on, so it fails here
// before anything is gone. Without it `pulumi destroy --skip-preview` would delete
// all that no protected resource needs, and fail afterwards (engine 3.259,
// deployment_executor.go).
type guard struct{ pulumi.ResourceState }

const guardToken = "platform:stacks:Guard"

// guard declares the guard.
func (s *stack) guard(ctx *pulumi.Context) error {
	g := &guard{}
	if err := ctx.RegisterComponentResourceV2(guardToken, s.name, pulumi.Map{}, g,
		pulumi.Protect(s.Protect), s.registered.after(s.components...)); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	return ctx.RegisterResourceOutputs(g, pulumi.Map{})
}
