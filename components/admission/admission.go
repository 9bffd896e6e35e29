// Package admission declares the policies with which a cluster on DigitalOcean refuses what is
// not on the bill, in every namespace: load balancers and volumes. They also hold for what
// charts, operators and the app create, which Pulumi never sees. Quotas limit the amounts in the
// platform's own namespaces (internal/kube).
package admission

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const typeToken = "platform:admission:Admission"

// Args are the arguments of New. All are required but Namespaces.
type Args struct {
	// LoadBalancer is the only Service that may have a load balancer, as "namespace/name". Nodes
	// is the number of nodes of that load balancer.
	LoadBalancer string
	Nodes        int
	// Namespaces are those in which volume claims may be created.
	Namespaces []string
	// Classes are the storage classes that claims may have.
	Classes []string
}

// Admission is the component. It has no outputs.
type Admission struct {
	pulumi.ResourceState
}

// New declares the policies. If args are invalid it returns all faults and registers nothing.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Admission, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("admission %q: %w", name, err)
	}
	a := &Admission{}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), a, opts...); err != nil {
		return nil, fmt.Errorf("admission %q: register: %w", name, err)
	}
	for _, p := range []policy{args.loadBalancers(), args.volumes()} {
		if err := p.register(ctx, pulumi.Parent(a)); err != nil {
			return nil, fmt.Errorf("admission %q: %s: %w", name, p.name, err)
		}
	}
	return a, ctx.RegisterResourceOutputs(a, pulumi.Map{})
}

func (a Args) validate() error {
	var errs []error
	if namespace, name, ok := strings.Cut(a.LoadBalancer, "/"); !ok || namespace == "" || name == "" {
		errs = append(errs, fmt.Errorf("loadBalancer: %q is not a Service; write namespace/name", a.LoadBalancer))
	}
	if a.Nodes < 1 {
		errs = append(errs, fmt.Errorf("nodes: %d is less than 1", a.Nodes))
	}
	if len(a.Classes) == 0 {
		errs = append(errs, errors.New("classes: is missing"))
	}
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	return pulumi.Map{
		"loadBalancer": pulumi.String(a.LoadBalancer), "nodes": pulumi.Int(a.Nodes),
		"namespaces": pulumi.ToStringArray(a.Namespaces), "classes": pulumi.ToStringArray(a.Classes),
	}
}
