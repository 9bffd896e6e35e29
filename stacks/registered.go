package stacks

import (
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registered remembers every resource with its parent.
//
// It is there because pulumi.DependsOn of a component is not reliable in Go: a child
// becomes known to its component in a goroutine of its own (context.go, getOpts), so a
// dependant that is declared right after a component may miss some of its children.
// A transformation is called before that goroutine starts (sdk v3.259.0).
type registered struct {
	parents map[pulumi.Resource]pulumi.Resource
	// custom are the resources of providers, in the order of their registration.
	custom []pulumi.Resource
}

// remember starts to remember what is registered from now on.
func remember(ctx *pulumi.Context) (*registered, error) {
	r := &registered{parents: map[pulumi.Resource]pulumi.Resource{}}
	return r, ctx.RegisterStackTransformation(func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		options, err := pulumi.NewResourceOptions(args.Opts...)
		if err == nil { // it has no other result
			r.parents[args.Resource] = options.Parent
		}
		_, isProvider := args.Resource.(pulumi.ProviderResource)
		if _, isCustom := args.Resource.(pulumi.CustomResource); isCustom && !isProvider {
			r.custom = append(r.custom, args.Resource)
		}
		return nil
	})
}

// after makes a resource depend on all that the components consist of.
func (r *registered) after(components ...pulumi.Resource) pulumi.ResourceOption {
	var of []pulumi.Resource
	for _, resource := range r.custom {
		for ancestor := resource; ancestor != nil; ancestor = r.parents[ancestor] {
			if slices.Contains(components, ancestor) {
				of = append(of, resource)
				break
			}
		}
	}
	return pulumi.DependsOn(of)
}
