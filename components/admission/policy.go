package admission

import (
	"fmt"
	"strings"

	admissionv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/admissionregistration/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

// policy is a ValidatingAdmissionPolicy for created and updated objects of one resource in all
// namespaces. Its expressions are in CEL, the language of these policies.
type policy struct {
	name string
	// resource is a plural name of the core API group.
	resource string
	// when is the expression for the objects that the policy is about.
	when string
	// variables are expressions that rules use by name.
	variables map[string]string
	rules     []rule
}

// rule is what an object must satisfy. refusal is the message for an object that does not.
type rule struct{ expression, refusal string }

// live is true for an object that is not being deleted. A deletion ends with an update that
// removes a finalizer, which must pass.
const live = "!has(object.metadata.deletionTimestamp)"

// loadBalancers allows one load balancer of the kind and size on the bill.
func (a Args) loadBalancers() policy {
	annotation := func(suffix, value string) rule {
		key := catalog.BalancerAnnotations + suffix
		return rule{
			fmt.Sprintf("%q in variables.annotations && variables.annotations[%q] == %q", key, key, value),
			fmt.Sprintf("the budget refuses this load balancer: the annotation %s must be %q", key, value),
		}
	}
	return policy{
		name: "platform-load-balancers", resource: "services", when: `object.spec.type == "LoadBalancer" && ` + live,
		variables: map[string]string{"annotations": "has(object.metadata.annotations) ? object.metadata.annotations : {}"},
		rules: []rule{
			{
				fmt.Sprintf(`object.metadata.namespace + "/" + object.metadata.name == %q`, a.LoadBalancer),
				fmt.Sprintf("the budget has one load balancer, that of the Service %s; use the type ClusterIP, and an Ingress for requests from outside", a.LoadBalancer),
			},
			{"!has(object.spec.loadBalancerClass)", "the budget refuses this load balancer: leave out spec.loadBalancerClass"},
			annotation("type", catalog.BalancerType),
			annotation("size-unit", fmt.Sprint(a.Nodes)),
			{
				fmt.Sprintf(`variables.annotations.all(key, !key.contains("do-loadbalancer-") || key in %s)`, list(catalog.KnownBalancerAnnotations())),
				"the budget refuses this load balancer: an annotation could change its price or keep it after the Service is deleted; remove annotations such as size-slug and disown",
			},
		},
	}
}

// volumes allows claims where the bill has volumes. Elsewhere a claim that exists may change, but
// not grow: its disk is there, and controllers update the claim.
func (a Args) volumes() policy {
	const (
		size   = `quantity(string(object.spec.resources.requests["storage"]))`
		before = `quantity(string(oldObject.spec.resources.requests["storage"]))`
	)
	return policy{
		name: "platform-volumes", resource: "persistentvolumeclaims", when: live,
		rules: []rule{
			{
				fmt.Sprintf(`object.metadata.namespace in %s || (request.operation == "UPDATE" && !%s.isGreaterThan(%s))`, list(a.Namespaces), size, before),
				"the budget has no volume in this namespace; use the settings of the stack for more storage",
			},
			{
				fmt.Sprintf(`request.operation == "UPDATE" || !has(object.spec.storageClassName) || object.spec.storageClassName in %s`, list(a.Classes)),
				fmt.Sprintf("the budget has the price of these storage classes only: %s", strings.Join(a.Classes, ", ")),
			},
			{"!has(object.spec.volumeAttributesClassName)", "the budget has no price of spec.volumeAttributesClassName; leave it out"},
		},
	}
}

// list returns a list of texts in CEL.
func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = fmt.Sprintf("%q", text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// register declares the policy and its binding, which puts it in force everywhere.
func (p policy) register(ctx *pulumi.Context, parent pulumi.ResourceOption) error {
	meta := kube.ClusterMeta(workload.Ref{Name: "admission"}, p.name)
	declared, err := admissionv1.NewValidatingAdmissionPolicy(ctx, p.name, &admissionv1.ValidatingAdmissionPolicyArgs{
		Metadata: meta, Spec: p.spec(),
	}, parent)
	if err != nil {
		return err
	}
	_, err = admissionv1.NewValidatingAdmissionPolicyBinding(ctx, p.name, &admissionv1.ValidatingAdmissionPolicyBindingArgs{
		Metadata: meta,
		Spec: &admissionv1.ValidatingAdmissionPolicyBindingSpecArgs{
			PolicyName: pulumi.String(p.name), ValidationActions: pulumi.ToStringArray([]string{"Deny"}),
		},
	}, parent, pulumi.DependsOn([]pulumi.Resource{declared}))
	return err
}

func (p policy) spec() *admissionv1.ValidatingAdmissionPolicySpecArgs {
	spec := &admissionv1.ValidatingAdmissionPolicySpecArgs{
		FailurePolicy: pulumi.String("Fail"),
		MatchConstraints: &admissionv1.MatchResourcesArgs{ResourceRules: admissionv1.NamedRuleWithOperationsArray{
			&admissionv1.NamedRuleWithOperationsArgs{
				ApiGroups: pulumi.ToStringArray([]string{""}), ApiVersions: pulumi.ToStringArray([]string{"v1"}),
				Operations: pulumi.ToStringArray([]string{"CREATE", "UPDATE"}), Resources: pulumi.ToStringArray([]string{p.resource}),
			},
		}},
		MatchConditions: admissionv1.MatchConditionArray{
			&admissionv1.MatchConditionArgs{Name: pulumi.String("billable"), Expression: pulumi.String(p.when)},
		},
	}
	var variables admissionv1.VariableArray
	for name, expression := range p.variables {
		variables = append(variables, &admissionv1.VariableArgs{Name: pulumi.String(name), Expression: pulumi.String(expression)})
	}
	if variables != nil {
		spec.Variables = variables
	}
	var validations admissionv1.ValidationArray
	for _, r := range p.rules {
		validations = append(validations, &admissionv1.ValidationArgs{
			Expression: pulumi.String(r.expression), Message: pulumi.String(r.refusal), Reason: pulumi.String("Forbidden"),
		})
	}
	spec.Validations = validations
	return spec
}
