package stacks

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/meter"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// meterAll compares every resource that is registered from now on with the plan's bill. A
// resource that the bill does not have fails.
func meterAll(ctx *pulumi.Context, plan sizing.Plan, s settings.Settings) error {
	m := newMeter(plan, s)
	return ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		inputs, _ := plain(args.Props).(map[string]any)
		err := m.Register(meter.Resource{Type: args.Type, Inputs: inputs})
		if err == nil {
			return nil
		}
		return refuse(ctx, args, err)
	})
}

func newMeter(plan sizing.Plan, s settings.Settings) *meter.Meter {
	return meter.New(plan.Bill, s.Cluster.Kind == settings.DigitalOcean)
}

// refuse makes the registration fail. A transform cannot return an error, so it returns an
// input whose Output fails with the reason. The engine reports that error.
func refuse(ctx *pulumi.Context, args *pulumi.ResourceTransformArgs, reason error) *pulumi.ResourceTransformResult {
	fail := func(parent pulumi.URN) (string, error) {
		return "", fmt.Errorf("the budget refuses %s: %w", urnBelow(ctx, string(parent), args.Type, args.Name), reason)
	}
	failing := pulumi.String("").ToStringOutput().ApplyT(func(string) (string, error) { return fail("") })
	if args.Opts.Parent != nil {
		failing = args.Opts.Parent.URN().ApplyT(fail)
	}
	return &pulumi.ResourceTransformResult{
		Props: pulumi.Map{"budget": failing.(pulumi.StringOutput)}, Opts: args.Opts,
	}
}

// urnBelow returns the URN of a resource that will be registered with a parent.
func urnBelow(ctx *pulumi.Context, parent, token, name string) string {
	kind := token
	if parts := strings.Split(parent, "::"); len(parts) == 4 && parts[2] != "pulumi:pulumi:Stack" {
		kind = parts[2] + "$" + token
	}
	return fmt.Sprintf("urn:pulumi:%s::%s::%s::%s", ctx.Stack(), ctx.Project(), kind, name)
}

// plain converts inputs to plain values for the meter. An output of another resource becomes
// meter.Unknown.
func plain(input any) any {
	switch v := input.(type) {
	case nil:
		return nil
	case pulumi.Map:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = plain(value)
		}
		return out
	case pulumi.Array:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = plain(value)
		}
		return out
	case pulumi.String:
		return string(v)
	case pulumi.Bool:
		return bool(v)
	case pulumi.Float64:
		return float64(v)
	case pulumi.Int:
		return int(v)
	}
	return meter.Unknown{}
}
