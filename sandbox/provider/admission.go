package provider

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// checkCluster returns an error if the rest of the cluster does not allow an object: a
// missing namespace or API, an object that its Pods refer to and that does not exist,
// or a violated Pod Security standard. A real API server and kubelet find the same.
func (k *kubernetes) checkCluster(a objectAPI, in resource.PropertyMap) error {
	namespace := text(in, "metadata", "namespace")
	if a.namespaced {
		if err := k.exists("kubernetes:core/v1:Namespace", namespace); err != nil {
			return err
		}
	}
	if a.group == certManagerGroup {
		if err := k.exists(tokenRelease, "cert-manager/cert-manager"); err != nil {
			return fmt.Errorf("no matches for kind %q in version %q: %w", text(in, "kind"), a.group, err)
		}
	}
	typed, errs := a.decode(in)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	template, _ := podTemplate(typed)
	if template == nil {
		return nil
	}
	errs = append(k.checkReferences(namespace, &template.Spec), k.checkPodSecurity(namespace, template))
	return errors.Join(errs...)
}

func (k *kubernetes) exists(token, id string) error {
	_, found, err := k.cloud.Get(token, id)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s %q not found", token[len("kubernetes:"):], id)
	}
	return nil
}

// checkReferences returns an error for each Secret, ConfigMap, claim and service account
// that a Pod refers to and that does not exist. Without it the Pod would stay in
// ContainerCreating.
func (k *kubernetes) checkReferences(namespace string, pod *corev1.PodSpec) []error {
	var errs []error
	for _, r := range slices.Concat(volumeReferences(pod), variableReferences(pod), pullReferences(pod)) {
		errs = append(errs, k.checkReference("kubernetes:core/v1:"+r.kind, namespace+"/"+r.name, r.key))
	}
	return errs
}

// reference is an object that a Pod refers to. key is a key in its data; "" is none in
// particular.
type reference struct{ kind, name, key string }

func volumeReferences(pod *corev1.PodSpec) []reference {
	var out []reference
	if pod.ServiceAccountName != "" {
		out = append(out, reference{"ServiceAccount", pod.ServiceAccountName, ""})
	}
	for _, v := range pod.Volumes {
		switch {
		case v.Secret != nil && (v.Secret.Optional == nil || !*v.Secret.Optional):
			out = append(out, keyReferences("Secret", v.Secret.SecretName, v.Secret.Items)...)
		case v.ConfigMap != nil:
			out = append(out, keyReferences("ConfigMap", v.ConfigMap.Name, v.ConfigMap.Items)...)
		case v.Projected != nil:
			for _, source := range v.Projected.Sources {
				if source.Secret != nil {
					out = append(out, keyReferences("Secret", source.Secret.Name, source.Secret.Items)...)
				}
				if source.ConfigMap != nil {
					out = append(out, keyReferences("ConfigMap", source.ConfigMap.Name, source.ConfigMap.Items)...)
				}
			}
		case v.PersistentVolumeClaim != nil:
			out = append(out, reference{"PersistentVolumeClaim", v.PersistentVolumeClaim.ClaimName, ""})
		}
	}
	return out
}

// keyReferences returns a reference to the object and one to each of its keys.
func keyReferences(kind, name string, keys []corev1.KeyToPath) []reference {
	out := []reference{{kind, name, ""}}
	for _, item := range keys {
		out = append(out, reference{kind, name, item.Key})
	}
	return out
}

// pullReferences returns the Pod's image pull secrets. The kubelet does not wait for a
// missing one: it pulls without it, and a private registry refuses.
func pullReferences(pod *corev1.PodSpec) []reference {
	var out []reference
	for _, secret := range pod.ImagePullSecrets {
		out = append(out, reference{"Secret", secret.Name, corev1.DockerConfigJsonKey})
	}
	return out
}

func variableReferences(pod *corev1.PodSpec) []reference {
	var out []reference
	for _, c := range pod.Containers {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				out = append(out, reference{"Secret", from.SecretRef.Name, ""})
			}
			if from.ConfigMapRef != nil {
				out = append(out, reference{"ConfigMap", from.ConfigMapRef.Name, ""})
			}
		}
		for _, env := range c.Env {
			switch from := env.ValueFrom; {
			case from == nil:
			case from.SecretKeyRef != nil:
				out = append(out, reference{"Secret", from.SecretKeyRef.Name, from.SecretKeyRef.Key})
			case from.ConfigMapKeyRef != nil:
				out = append(out, reference{"ConfigMap", from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key})
			}
		}
	}
	return out
}

// checkReference returns an error if an object does not exist or has no such key.
func (k *kubernetes) checkReference(token, id, key string) error {
	object, found, err := k.cloud.Get(token, id)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("the Pod refers to %s %q, which does not exist", token[len("kubernetes:core/v1:"):], id)
	}
	if key == "" {
		return nil
	}
	for _, field := range []string{"data", "stringData"} {
		if data, ok := object.Inputs[field].(map[string]any); ok {
			if _, ok := data[key]; ok {
				return nil
			}
		}
	}
	return fmt.Errorf("the Pod refers to the key %q of %s %q, which has no such key", key, token[len("kubernetes:core/v1:"):], id)
}

var podSecurity = func() policy.Evaluator {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err) // only for checks that contradict each other; the library's do not
	}
	return evaluator
}()

// checkPodSecurity returns an error if a Pod violates the Pod Security standard that its
// namespace enforces. It runs the checks of the real admission controller.
func (k *kubernetes) checkPodSecurity(namespace string, template *corev1.PodTemplateSpec) error {
	object, _, err := k.cloud.Get("kubernetes:core/v1:Namespace", namespace)
	if err != nil {
		return err
	}
	set, _ := object.Inputs["metadata"].(map[string]any)["labels"].(map[string]any)
	enforced, _ := set[api.EnforceLevelLabel].(string)
	level, err := api.ParseLevel(enforced)
	if err != nil {
		return fmt.Errorf("namespace %s enforces no Pod Security standard: %w", namespace, err)
	}
	result := policy.AggregateCheckResults(podSecurity.EvaluatePod(
		api.LevelVersion{Level: level, Version: api.LatestVersion()}, &template.ObjectMeta, &template.Spec))
	if !result.Allowed {
		return fmt.Errorf("violates PodSecurity %q: %s", level, result.ForbiddenDetail())
	}
	return nil
}
