package admission_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/components/admission"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func args() admission.Args {
	return admission.Args{LoadBalancer: "ingress/traefik", Nodes: 1, Namespaces: []string{"monitoring"}, Classes: []string{"do-block-storage"}}
}

// The API server checks the expressions in sandbox/cluster/e2e.
func TestAdmission(t *testing.T) {
	r := pulumitest.Component{
		Packages: []string{"kubernetes"},
		Good: func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error {
			_, err := admission.New(ctx, "test", args(), opts...)
			return err
		},
		Bad: func(ctx *pulumi.Context) error {
			_, err := admission.New(ctx, "test", admission.Args{})
			return err
		},
		Faults: []string{"loadBalancer:", "nodes:", "classes:"},
		Type:   "platform:admission:Admission", Custom: 4,
	}.Check(t)
	for name, resource := range map[string]string{"platform-load-balancers": "services", "platform-volumes": "persistentvolumeclaims"} {
		policy, ok := r.Find("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy", name)
		require.True(t, ok, name)
		assert.Equal(t, "Fail", pulumitest.Dig(policy.Inputs, "spec.failurePolicy"))
		rules := pulumitest.Dig(policy.Inputs, "spec.matchConstraints.resourceRules").([]any)
		require.Len(t, rules, 1)
		assert.Equal(t, []any{resource}, pulumitest.Dig(rules[0], "resources"))
		for _, v := range pulumitest.Dig(policy.Inputs, "spec.validations").([]any) {
			assert.Contains(t, pulumitest.Dig(v, "message"), "the budget")
		}
		binding, ok := r.Find("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding", name)
		require.True(t, ok, name)
		assert.Equal(t, name, pulumitest.Dig(binding.Inputs, "spec.policyName"))
		assert.Equal(t, []any{"Deny"}, pulumitest.Dig(binding.Inputs, "spec.validationActions"))
		assert.Nil(t, pulumitest.Dig(binding.Inputs, "spec.matchResources"), "it holds in every namespace")
	}
}
