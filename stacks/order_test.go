package stacks

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

const (
	coreGroup    = "kubernetes:core/v1:"
	rbacGroup    = "kubernetes:rbac.authorization.k8s.io/v1:"
	policyToken  = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
	releaseToken = "kubernetes:helm.sh/v3:Release"
)

// Kubernetes objects refer to each other by name, which Pulumi does not see. So each resource
// has to depend on what it names, by the option DependsOn or through another resource.
func TestEachResourceIsDeclaredAfterWhatItNames(t *testing.T) {
	for _, variant := range variants {
		t.Run(variant, func(t *testing.T) {
			all := declaredVariant(t, variant)
			o := orderOf(t, all)
			pairs := 0
			for _, g := range all {
				needed := neededBy(t, all, g)
				pairs += len(needed)
				for _, key := range slices.Sorted(maps.Keys(needed)) {
					assert.True(t, o.isAfter(keyOf(g), key), "%s does not wait for %s: %s", keyOf(g), key, needed[key])
				}
			}
			assert.Greater(t, pairs, 150, "pairs of resources")
		})
	}
}

func TestTheAppIsDeclaredAfterTheJobOfItsTenantsAndThePooler(t *testing.T) {
	for _, variant := range variants {
		o := orderOf(t, declaredVariant(t, variant))
		app := "kubernetes:apps/v1:Deployment::app"
		assert.True(t, o.isAfter(app, "kubernetes:batch/v1:Job::reconcile"), "%s: tenants have no schema when the app starts", variant)
		assert.True(t, o.isAfter(app, "kubernetes:apps/v1:Deployment::pooler"), "%s: tenants' connection strings lead nowhere when the app starts", variant)
		assert.False(t, o.isAfter("kubernetes:apps/v1:Deployment::pooler", "kubernetes:batch/v1:Job::reconcile"), "%s: the pooler is not updated when the Job fails", variant)
		for _, of := range []string{"ingress:Ingress", "monitoring:Monitoring", "certificates:Certificates"} {
			component := "platform:" + of + "::platform-" + variant
			assert.False(t, o.isAfter(component, "kubernetes:batch/v1:Job::reconcile"), "%s: %s is not updated when the Job fails", variant, component)
		}
	}
}

// order has, for each resource, those before which the engine does not start it.
type order map[string][]string

// keyOf returns "type::name", which is unique in a stack.
func keyOf(g pulumitest.Registration) string { return g.Type + "::" + g.Name }

// keyOfURN returns the key of the resource with a URN.
func keyOfURN(urn string) string {
	parts := strings.Split(urn, "::")
	return parts[2][strings.LastIndex(parts[2], "$")+1:] + "::" + parts[3]
}

func orderOf(t *testing.T, all []pulumitest.Registration) order {
	t.Helper()
	o := order{}
	for _, g := range all {
		assert.NotContains(t, o, keyOf(g), "two resources have one key")
		before := []string{}
		for _, urn := range g.DependsOn {
			before = append(before, keyOfURN(urn))
		}
		if g.Parent != "" {
			before = append(before, keyOfURN(g.Parent))
		}
		o[keyOf(g)] = before
	}
	return o
}

// isAfter reports whether a resource waits for another one, directly or not.
func (o order) isAfter(later, earlier string) bool {
	seen, queue := map[string]bool{later: true}, []string{later}
	for len(queue) > 0 {
		next := o[queue[0]]
		queue = queue[1:]
		if slices.Contains(next, earlier) {
			return true
		}
		for _, key := range next {
			if !seen[key] {
				seen[key] = true
				queue = append(queue, key)
			}
		}
	}
	return false
}

// neededBy returns the keys of the resources that an object needs, with the reason.
func neededBy(t *testing.T, all []pulumitest.Registration, g pulumitest.Registration) map[string]string {
	t.Helper()
	needed := map[string]string{}
	namespace, _ := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
	if g.Type == releaseToken {
		namespace, _ = g.Inputs["namespace"].(string)
	}
	for _, other := range all {
		in, _ := pulumitest.Dig(other.Inputs, "metadata.namespace").(string)
		switch {
		case other.Type == coreGroup+"Namespace" && other.Name == namespace:
			needed[keyOf(other)] = "it is in that namespace"
		case strings.HasPrefix(g.Type, "kubernetes:cert-manager.io/") && other.Type == releaseToken:
			needed[keyOf(other)] = "the chart has the definition of its kind"
		case in != namespace || in == "" || other.Type != policyToken:
		case g.Type == releaseToken, podTemplate(g) != nil && selects(pulumitest.Dig(other.Inputs, "spec.podSelector.matchLabels"), podTemplate(g)):
			needed[keyOf(other)] = "the policy is for its Pods, which may connect to everything until it exists"
		}
	}
	for _, ref := range references(g) {
		target, found := named(all, ref.token, namespace, ref.name)
		if ref.token == rbacGroup+"ClusterRole" {
			target, found = named(all, ref.token, "", ref.name)
		}
		if assert.True(t, found, "%s names the %s %q of %q, which is not declared", keyOf(g), ref.token, ref.name, namespace) {
			needed[keyOf(target)] = "it names that object"
		}
		if ref.token == coreGroup+"ServiceAccount" && podTemplate(g) != nil {
			for _, binding := range bindingsOf(all, namespace, ref.name) {
				needed[keyOf(binding)] = "its Pods use the rights of that binding"
			}
		}
	}
	return needed
}

// reference is the name of another object.
type reference struct{ token, name string }

// references returns the objects that an object names.
func references(g pulumitest.Registration) []reference {
	var out []reference
	add := func(token string, names ...string) {
		for _, name := range names {
			out = append(out, reference{token, name})
		}
	}
	if kind, ok := pulumitest.Dig(g.Inputs, "roleRef.kind").(string); ok {
		add(rbacGroup+kind, pulumitest.Dig(g.Inputs, "roleRef.name").(string))
	}
	template := podTemplate(g)
	if template == nil {
		return out
	}
	for _, m := range mountedIn(template) {
		add(coreGroup+m.kind, m.name)
	}
	add(coreGroup+"PersistentVolumeClaim", texts(list(template, "spec.volumes"), "persistentVolumeClaim.claimName")...)
	add(coreGroup+"Secret", texts(list(template, "spec.imagePullSecrets"), "name")...)
	add(coreGroup+"ServiceAccount", pulumitest.Dig(template, "spec.serviceAccountName").(string))
	return out
}

// mounted is a ConfigMap or a Secret that a Pod mounts or reads as environment variables.
type mounted struct{ kind, name string }

// mountedIn returns the ConfigMaps and Secrets of a template, sorted, each once.
func mountedIn(template any) []mounted {
	var out []mounted
	add := func(kind string, names []string) {
		for _, name := range names {
			out = append(out, mounted{kind, name})
		}
	}
	sources := list(template, "spec.volumes")
	for _, volume := range list(template, "spec.volumes") {
		sources = append(sources, list(volume, "projected.sources")...)
	}
	add("ConfigMap", texts(sources, "configMap.name"))
	add("Secret", append(texts(sources, "secret.secretName"), texts(sources, "secret.name")...))
	for _, c := range append(list(template, "spec.containers"), list(template, "spec.initContainers")...) {
		add("ConfigMap", append(texts(list(c, "env"), "valueFrom.configMapKeyRef.name"), texts(list(c, "envFrom"), "configMapRef.name")...))
		add("Secret", append(texts(list(c, "env"), "valueFrom.secretKeyRef.name"), texts(list(c, "envFrom"), "secretRef.name")...))
	}
	slices.SortFunc(out, func(a, b mounted) int { return strings.Compare(a.kind+a.name, b.kind+b.name) })
	return slices.Compact(out)
}

// selects reports whether all labels of a selector are on the Pods of a template.
func selects(matchLabels, template any) bool {
	labels, _ := matchLabels.(map[string]any)
	for key, value := range labels {
		if podLabels, _ := pulumitest.Dig(template, "metadata.labels").(map[string]any); podLabels[key] != value {
			return false
		}
	}
	return true
}

// bindingsOf returns the role bindings of a service account.
func bindingsOf(all []pulumitest.Registration, namespace, account string) []pulumitest.Registration {
	var out []pulumitest.Registration
	for _, g := range all {
		for _, subject := range list(g.Inputs, "subjects") {
			if pulumitest.Dig(subject, "name") == account && pulumitest.Dig(subject, "namespace") == namespace {
				out = append(out, g)
			}
		}
	}
	return out
}
