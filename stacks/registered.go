package stacks

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registered has every registered resource with its parent.
//
// It replaces pulumi.DependsOn of a component, which is not reliable in Go. A child is added
// to its component in another goroutine (context.go, getOpts), so a dependant that is declared
// right after a component may miss some of its children. A transformation is called before
// that goroutine starts (sdk v3.259.0).
type registered struct {
	parents map[pulumi.Resource]pulumi.Resource
	// custom has the resources of providers in the order of their registration.
	custom []pulumi.Resource
}

// remember returns a registered that records every resource from now on.
func remember(ctx *pulumi.Context) (*registered, error) {
	r := &registered{parents: map[pulumi.Resource]pulumi.Resource{}}
	return r, ctx.RegisterStackTransformation(func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		options, err := pulumi.NewResourceOptions(args.Opts...)
		if err == nil { // a transformation cannot return an error
			r.parents[args.Resource] = options.Parent
		}
		_, isProvider := args.Resource.(pulumi.ProviderResource)
		if _, isCustom := args.Resource.(pulumi.CustomResource); isCustom && !isProvider {
			r.custom = append(r.custom, args.Resource)
		}
		return nil
	})
}

// after returns the option that makes a resource depend on all resources of the components.
func (r *registered) after(components ...pulumi.Resource) pulumi.ResourceOption {
	var dependencies []pulumi.Resource
	for _, resource := range r.custom {
		for ancestor := resource; ancestor != nil; ancestor = r.parents[ancestor] {
			if slices.Contains(components, ancestor) {
				dependencies = append(dependencies, resource)
				break
			}
		}
	}
	return pulumi.DependsOn(dependencies)
}
