package provider

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"strings"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	k8sjson "sigs.k8s.io/json"
)

// objectAPI describes one type of Kubernetes object.
type objectAPI struct {
	// new returns an empty value of the real API's Go type.
	new func() any
	// group is the only allowed apiVersion. Objects need a namespace if namespaced is
	// true, and must not have one otherwise.
	group      string
	namespaced bool
	// immutable are the fields whose change the API server refuses.
	immutable []string
	// status returns the outputs that the cluster adds; nil adds none.
	status func(id string, in resource.PropertyMap) map[string]any
	// checkUpdate is that of kind.
	checkUpdate func(olds, news resource.PropertyMap) error
}

func object[T any](group string, namespaced bool, immutable ...string) objectAPI {
	return objectAPI{new: func() any { return new(T) }, group: group, namespaced: namespaced, immutable: immutable}
}

func (a objectAPI) withStatus(status func(string, resource.PropertyMap) map[string]any) objectAPI {
	a.status = status
	return a
}

func (a objectAPI) withCheckUpdate(check func(olds, news resource.PropertyMap) error) objectAPI {
	a.checkUpdate = check
	return a
}

// apis are the Kubernetes types that the sandbox simulates, each with the Go type of the
// real API. The immutable fields are from diff.go (forceNew) of pulumi-kubernetes 4.33.
var apis = map[string]objectAPI{
	"kubernetes:core/v1:Namespace":      object[corev1.Namespace]("v1", false),
	"kubernetes:core/v1:ConfigMap":      object[corev1.ConfigMap]("v1", true),
	"kubernetes:core/v1:Secret":         object[corev1.Secret]("v1", true, "type"),
	"kubernetes:core/v1:ServiceAccount": object[corev1.ServiceAccount]("v1", true),
	"kubernetes:core/v1:ResourceQuota":  object[corev1.ResourceQuota]("v1", true),
	"kubernetes:core/v1:Service":        object[corev1.Service]("v1", true, "spec.clusterIP").withStatus(serviceStatus),
	"kubernetes:core/v1:PersistentVolumeClaim": object[corev1.PersistentVolumeClaim]("v1", true,
		"spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName").withStatus(claimStatus).withCheckUpdate(checkClaimGrowth),
	"kubernetes:apps/v1:Deployment":  object[appsv1.Deployment]("apps/v1", true, "spec.selector"),
	"kubernetes:apps/v1:DaemonSet":   object[appsv1.DaemonSet]("apps/v1", true, "spec.selector"),
	"kubernetes:apps/v1:StatefulSet": object[appsv1.StatefulSet]("apps/v1", true, "spec.selector", "spec.volumeClaimTemplates"),
	"kubernetes:batch/v1:Job": object[batchv1.Job]("batch/v1", true,
		"spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
	"kubernetes:batch/v1:CronJob": object[batchv1.CronJob]("batch/v1", true),

	"kubernetes:networking.k8s.io/v1:Ingress":       object[networkingv1.Ingress]("networking.k8s.io/v1", true),
	"kubernetes:networking.k8s.io/v1:IngressClass":  object[networkingv1.IngressClass]("networking.k8s.io/v1", false, "spec.controller"),
	"kubernetes:networking.k8s.io/v1:NetworkPolicy": object[networkingv1.NetworkPolicy]("networking.k8s.io/v1", true),
	"kubernetes:policy/v1:PodDisruptionBudget":      object[policyv1.PodDisruptionBudget]("policy/v1", true),

	"kubernetes:rbac.authorization.k8s.io/v1:Role":               object[rbacv1.Role](rbacGroup, true),
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole":        object[rbacv1.ClusterRole](rbacGroup, false),
	"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding":        object[rbacv1.RoleBinding](rbacGroup, true, "roleRef"),
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": object[rbacv1.ClusterRoleBinding](rbacGroup, false, "roleRef"),

	"kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy":        object[admissionv1.ValidatingAdmissionPolicy](admissionGroup, false),
	"kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding": object[admissionv1.ValidatingAdmissionPolicyBinding](admissionGroup, false),

	"kubernetes:cert-manager.io/v1:ClusterIssuer": object[certmanager.ClusterIssuer](certManagerGroup, false),
	"kubernetes:cert-manager.io/v1:Certificate":   object[certmanager.Certificate](certManagerGroup, true),
}

const (
	rbacGroup        = "rbac.authorization.k8s.io/v1"
	certManagerGroup = "cert-manager.io/v1"
	admissionGroup   = "admissionregistration.k8s.io/v1"
)

// decode reads an object into the real API's Go type. An unknown field, a wrong type and
// a bad quantity are errors. Values that a preview does not know are left out.
func (a objectAPI) decode(in resource.PropertyMap) (any, []error) {
	data, err := json.Marshal(plainObject(in))
	if err != nil {
		return nil, []error{err}
	}
	typed := a.new()
	strict, err := k8sjson.UnmarshalStrict(data, typed)
	if err != nil {
		return nil, []error{err}
	}
	return typed, strict
}

// plainObject returns an object as JSON would decode it, without unknown values and
// without the engine's own keys ("__...").
func plainObject(in resource.PropertyMap) map[string]any {
	return withoutUnknown(resource.NewObjectProperty(unwrap(in))).Mappable().(map[string]any)
}

func withoutUnknown(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsObject():
		out := resource.PropertyMap{}
		for key, value := range v.ObjectValue() {
			if !value.IsComputed() && !strings.HasPrefix(string(key), "__") {
				out[key] = withoutUnknown(value)
			}
		}
		return resource.NewObjectProperty(out)
	case v.IsArray():
		var out []resource.PropertyValue
		for _, value := range v.ArrayValue() {
			if !value.IsComputed() {
				out = append(out, withoutUnknown(value))
			}
		}
		return resource.NewArrayProperty(out)
	}
	return v
}

// check sets a missing name as the real provider does, and returns the faults of the
// object alone.
func (a objectAPI) check(token, name string, in resource.PropertyMap) []plugin.CheckFailure {
	autoname(name, in)
	var failures []plugin.CheckFailure
	fail := func(format string, args ...any) {
		failures = append(failures, plugin.CheckFailure{Property: "", Reason: fmt.Sprintf(format, args...)})
	}
	plain := unwrap(in)
	if got := text(plain, "apiVersion"); got != a.group {
		fail("apiVersion: is %q, must be %q", got, a.group)
	}
	if want := token[strings.LastIndex(token, ":")+1:]; text(plain, "kind") != want {
		fail("kind: is %q, must be %q", text(plain, "kind"), want)
	}
	for _, reason := range validation.IsDNS1123Subdomain(text(plain, "metadata", "name")) {
		if !plain["metadata"].ObjectValue()["name"].IsComputed() {
			fail("metadata.name: %s", reason)
		}
	}
	switch _, set := plain["metadata"].ObjectValue()["namespace"]; {
	case a.namespaced && !set:
		fail("metadata.namespace: is not set; %s belongs to a namespace", text(plain, "kind"))
	case set && !a.namespaced:
		fail("metadata.namespace: is set; %s belongs to no namespace", text(plain, "kind"))
	}
	typed, errs := a.decode(in)
	for _, err := range errs {
		fail("%v", err)
	}
	if len(errs) == 0 {
		for _, err := range validate(typed) {
			fail("%v", err)
		}
	}
	return failures
}

// autoname sets a unique name in an object that has none.
func autoname(name string, in resource.PropertyMap) {
	meta := in["metadata"]
	if !meta.IsObject() {
		meta = resource.NewObjectProperty(resource.PropertyMap{})
	}
	if _, ok := meta.ObjectValue()["name"]; ok {
		return
	}
	named := maps.Clone(meta.ObjectValue())
	named["name"] = resource.NewStringProperty(name + "-" + hexID(name)[:8])
	in["metadata"] = resource.NewObjectProperty(named)
}

// compute returns the outputs that the cluster adds to an object.
func (a objectAPI) compute(id string, in resource.PropertyMap) map[string]any {
	if a.status == nil {
		return nil
	}
	return a.status(id, in)
}

// serviceStatus returns the status of a Service, with an address for type LoadBalancer.
func serviceStatus(id string, in resource.PropertyMap) map[string]any {
	status := map[string]any{"loadBalancer": map[string]any{}}
	if text(in, "spec", "type") == "LoadBalancer" {
		h := fnv.New32a()
		_, _ = h.Write([]byte(id)) // a hash never returns an error
		status["loadBalancer"] = map[string]any{"ingress": []any{
			map[string]any{"ip": fmt.Sprintf("203.0.113.%d", 10+h.Sum32()%240)},
		}}
	}
	return map[string]any{"status": status}
}

// checkClaimGrowth refuses to shrink a claim, in the words of the API server
// (ValidatePersistentVolumeClaimUpdate in k8s.io/kubernetes/pkg/apis/core/validation).
func checkClaimGrowth(olds, news resource.PropertyMap) error {
	path := []string{"spec", "resources", "requests", "storage"}
	before, errBefore := quantity.ParseQuantity(text(olds, path...))
	after, errAfter := quantity.ParseQuantity(text(news, path...))
	if errBefore != nil || errAfter != nil || after.Cmp(before) >= 0 {
		return nil
	}
	return fmt.Errorf("422: PersistentVolumeClaim %q is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity", text(news, "metadata", "name"))
}

func claimStatus(string, resource.PropertyMap) map[string]any {
	return map[string]any{"status": map[string]any{"phase": "Bound"}}
}
