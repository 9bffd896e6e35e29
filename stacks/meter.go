package stacks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components/certificates"
	"github.com/genericcorp/platform/internal/meter"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/sizing"
)

// pulumiVersion is the oldest version of the CLI that may run the program.
const pulumiVersion = "3.259.0"

// meterAll compares every resource that is registered from now on with the meter's bill. A
// resource that the bill does not have fails, in previews too.
//
// The engine runs the transforms of a resource, of its parents, and of the stack, in the order
// of their registration. So a transform that is registered later can change inputs that the
// meter has priced. The meter's hook runs after all of them, and after the option
// ignoreChanges, right before the engine creates or updates a resource (source_eval.go and
// step.go of pulumi/pkg v3.259.0).
func meterAll(ctx *pulumi.Context, m *meter.Meter) error {
	// With a CLI that has no hooks, the SDK would not register the resources that have one, and
	// return no error (context.go of the SDK v3.259.0).
	if err := ctx.RequirePulumiVersion(">=" + pulumiVersion); err != nil {
		return err
	}
	hook, err := ctx.RegisterResourceHook("meter", func(args *pulumi.ResourceHookArgs) error {
		inputs, _ := plainProperty(resource.NewObjectProperty(args.NewInputs)).(map[string]any)
		if err := m.Confirm(meter.Resource{Type: string(args.Type), Name: args.Name, Inputs: inputs}); err != nil {
			return refusal(string(args.URN), err)
		}
		return nil
	}, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return err
	}
	bound := pulumi.ResourceHooks(&pulumi.ResourceHookBinding{
		BeforeCreate: []*pulumi.ResourceHook{hook}, BeforeUpdate: []*pulumi.ResourceHook{hook},
	})
	err = ctx.RegisterStackTransformation(func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		if !meter.HasPrice(args.Type) {
			return nil
		}
		return &pulumi.ResourceTransformationResult{Props: args.Props, Opts: append(slices.Clone(args.Opts), bound)}
	})
	if err != nil {
		return err
	}
	return ctx.RegisterResourceTransform(func(_ context.Context, args *pulumi.ResourceTransformArgs) *pulumi.ResourceTransformResult {
		inputs, _ := plain(args.Props).(map[string]any)
		err := m.Register(meter.Resource{
			Type: args.Type, Name: args.Name, Component: !args.Custom, Inputs: inputs, IgnoreChanges: args.Opts.IgnoreChanges,
		})
		if err == nil {
			return nil
		}
		return refuse(ctx, args, err)
	})
}

func newMeter(plan sizing.Plan, s settings.Settings) *meter.Meter {
	w := plan.Workload
	release, _ := plain(certificates.Args{
		Chart: s.Certificates.Chart, CertManager: w.CertManager.Pods, CAInjector: w.CAInjector.Pods, Webhook: w.Webhook.Pods,
	}.ReleaseInputs()).(map[string]any)
	return meter.New(plan.Bill, meter.Stack{
		OwnNodes: s.Cluster.Kind == settings.DigitalOcean, RetainedVolumes: s.Protect, Release: release,
	})
}

func refusal(urn string, reason error) error {
	return fmt.Errorf("the budget refuses %s: %w", urn, reason)
}

// refuse makes the registration fail. A transform cannot return an error, so it returns an
// input whose Output fails with the reason. The engine reports that error.
func refuse(ctx *pulumi.Context, args *pulumi.ResourceTransformArgs, reason error) *pulumi.ResourceTransformResult {
	fail := func(parent pulumi.URN) (string, error) {
		return "", refusal(urnBelow(ctx, string(parent), args.Type, args.Name), reason)
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
