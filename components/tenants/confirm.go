package tenants

import (
	"fmt"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

const (
	confirmToken = "platform:tenants:Confirmation"
	confirmName  = "confirm"
)

// Confirmation is the last Job of an update. It fails if a tenant is not as declared.
type Confirmation struct {
	pulumi.ResourceState

	// Applied is known when all tenants are as declared. It fails if the Job fails.
	Applied pulumi.Output
}

// Confirm declares the last Job, which tries again what failed for single tenants. The
// caller must make it depend on all other resources, because the engine starts nothing
// after a failure. It is not a child of t: resources that depend on t would wait for it.
func (t *Tenants) Confirm(ctx *pulumi.Context, name string, opts ...pulumi.ResourceOption) (*Confirmation, error) {
	c := &Confirmation{}
	if err := ctx.RegisterComponentResourceV2(confirmToken, name, pulumi.Map{}, c, opts...); err != nil {
		return nil, fmt.Errorf("tenants %q: register the confirmation: %w", name, err)
	}
	job, err := batchv1.NewJob(ctx, confirmName, t.args.job(confirmName, t.Verifiers), awaited([]pulumi.ResourceOption{pulumi.Parent(c)})...)
	if err != nil {
		return nil, fmt.Errorf("tenants %q: confirmation: %w", name, err)
	}
	// The URN is known in a preview too, and waits for the Job otherwise.
	c.Applied = job.URN()
	return c, ctx.RegisterResourceOutputs(c, pulumi.Map{})
}
