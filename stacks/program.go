// Package stacks composes the components into a stack. It is the only place that
// knows all of them.
package stacks

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/sizing"
)

// Program declares the stack that its settings describe. Faulty settings, a
// workload that does not fit and a bill over the limit stop it before anything
// is registered; a resource that the bill lacks stops it when that registers.
func Program(ctx *pulumi.Context) error {
	c, err := read(ctx)
	if err != nil {
		return err
	}
	plan, err := sizing.Solve(c.Settings)
	if err != nil {
		return err
	}
	summary := fmt.Sprintf("%s costs %s a month of at most %s\n\n%s",
		ctx.Stack(), plan.Bill.Total(), plan.Budget, plan.Bill.Table(plan.Budget))
	if err := ctx.Log.Info(summary, nil); err != nil {
		return err
	}
	before, err := readHistory(ctx)
	if err != nil {
		return err
	}
	next, err := c.nextTenants(ctx, before.tenants)
	if err != nil {
		return err
	}
	c.Tenants = next.Tenants(c.Tenants)
	if err := meterAll(ctx, plan, c.Settings); err != nil {
		return err
	}
	return deploy(ctx, c, plan, before, next)
}
