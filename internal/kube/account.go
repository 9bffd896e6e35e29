package kube

import (
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/workload"
)

// Rule allows verbs on resources of an API group.
type Rule struct {
	// Group is the API group; empty is the core group.
	Group string
	// Resources are plural names, for example "pods".
	Resources []string
	// Verbs are verbs of the Kubernetes API, for example those of Read.
	Verbs []string
}

// Read are the verbs that a client needs for watching resources.
var Read = []string{"get", "list", "watch"}

// Account is the service account of a workload. A Pod gets its token only if the Pod asks for
// it.
type Account struct {
	workload.Ref
	// Rules apply in the account's namespace, ClusterRules in the whole cluster.
	Rules, ClusterRules []Rule
}

// Register declares the service account and its roles. It returns the account and the bindings
// of the roles. The caller makes the account's Pods depend on them (After).
func (a Account) Register(ctx *pulumi.Context, opts ...pulumi.ResourceOption) ([]pulumi.Resource, error) {
	account, err := corev1.NewServiceAccount(ctx, a.Name, &corev1.ServiceAccountArgs{
		Metadata:                     Meta(a.Ref, a.Name),
		AutomountServiceAccountToken: pulumi.Bool(false),
	}, opts...)
	if err != nil {
		return nil, fmt.Errorf("service account %q: %w", a.Name, err)
	}
	out := []pulumi.Resource{account}
	for _, grant := range []func(*pulumi.Context, []pulumi.ResourceOption) (pulumi.Resource, error){a.role, a.clusterRole} {
		binding, err := grant(ctx, opts)
		if err != nil {
			return nil, fmt.Errorf("roles of %q: %w", a.Name, err)
		}
		if binding != nil {
			out = append(out, binding)
		}
	}
	return out, nil
}

func (a Account) role(ctx *pulumi.Context, opts []pulumi.ResourceOption) (pulumi.Resource, error) {
	if len(a.Rules) == 0 {
		return nil, nil
	}
	role, err := rbacv1.NewRole(ctx, a.Name, &rbacv1.RoleArgs{
		Metadata: Meta(a.Ref, a.Name), Rules: rules(a.Rules),
	}, opts...)
	if err != nil {
		return nil, err
	}
	return rbacv1.NewRoleBinding(ctx, a.Name, &rbacv1.RoleBindingArgs{
		Metadata: Meta(a.Ref, a.Name), RoleRef: a.roleRef("Role", a.Name), Subjects: a.subjects(),
	}, After(opts, role)...)
}

func (a Account) clusterRole(ctx *pulumi.Context, opts []pulumi.ResourceOption) (pulumi.Resource, error) {
	if len(a.ClusterRules) == 0 {
		return nil, nil
	}
	name := "platform-" + a.Name
	role, err := rbacv1.NewClusterRole(ctx, a.Name, &rbacv1.ClusterRoleArgs{
		Metadata: ClusterMeta(a.Ref, name), Rules: rules(a.ClusterRules),
	}, opts...)
	if err != nil {
		return nil, err
	}
	return rbacv1.NewClusterRoleBinding(ctx, a.Name, &rbacv1.ClusterRoleBindingArgs{
		Metadata: ClusterMeta(a.Ref, name), RoleRef: a.roleRef("ClusterRole", name), Subjects: a.subjects(),
	}, After(opts, role)...)
}

func (a Account) roleRef(kind, name string) *rbacv1.RoleRefArgs {
	return &rbacv1.RoleRefArgs{
		ApiGroup: pulumi.String("rbac.authorization.k8s.io"), Kind: pulumi.String(kind), Name: pulumi.String(name),
	}
}

func (a Account) subjects() rbacv1.SubjectArray {
	return rbacv1.SubjectArray{&rbacv1.SubjectArgs{
		Kind: pulumi.String("ServiceAccount"), Name: pulumi.String(a.Name), Namespace: pulumi.String(a.Namespace),
	}}
}

func rules(in []Rule) rbacv1.PolicyRuleArray {
	var out rbacv1.PolicyRuleArray
	for _, r := range in {
		out = append(out, &rbacv1.PolicyRuleArgs{
			ApiGroups: pulumi.ToStringArray([]string{r.Group}),
			Resources: pulumi.ToStringArray(r.Resources),
			Verbs:     pulumi.ToStringArray(r.Verbs),
		})
	}
	return out
}
