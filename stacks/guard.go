package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// guard makes `pulumi destroy` of a protected stack fail before it deletes anything. It is a
// component without children that depends on every other resource, and is protected when the
// stack is. A destroy deletes dependants first and deletes nothing that a protected resource
// depends on. Without the guard, `pulumi destroy --skip-preview` would first delete everything
// that no protected resource needs, and then fail (engine 3.259, deployment_executor.go).
//
// Stacks that are not protected have a guard too. So when `protect` is removed from a stack
// file, the update only removes the flag. It could not delete a protected guard.
type guard struct{ pulumi.ResourceState }

const guardToken = "platform:stacks:Guard"

// guard declares the guard, after all components.
func (s *stack) guard(ctx *pulumi.Context) error {
	g := &guard{}
	if err := ctx.RegisterComponentResourceV2(guardToken, s.name, pulumi.Map{}, g,
		pulumi.Protect(s.Protect), s.registered.after(s.components...)); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	return ctx.RegisterResourceOutputs(g, pulumi.Map{})
}
