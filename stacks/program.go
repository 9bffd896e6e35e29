// Package stacks builds a stack from the components: it reads the configuration, plans the
// sizes, checks the budget and connects the components. Components do not import each other.
package stacks

import (
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/sizing"
)

// Program declares the stack of its configuration. It returns an error and registers nothing
// if the settings have faults, if the workload does not fit, or if the bill is over the
// limit. A resource that is not on the bill fails when it is registered.
func Program(ctx *pulumi.Context) error {
	c, err := read(ctx)
	if err := errors.Join(names.Stack(ctx.Stack()), err); err != nil {
		return err
	}
	before, err := readHistory(ctx)
	if err != nil {
		return err
	}
	if c.Settings, err = before.sizes.Next(c.Settings); err != nil {
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
	next, err := c.nextTenants(ctx, before.tenants)
	if err != nil {
		return err
	}
	c.Tenants = next.Tenants(c.Tenants)
	if err := meterAll(ctx, newMeter(plan, c.Settings)); err != nil {
		return err
	}
	return deploy(ctx, c, plan, before, next)
}
