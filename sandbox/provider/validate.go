package provider

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// podTemplate returns the template of the Pods that an object runs, and its selector. Both
// are nil for other objects; Jobs and CronJobs have no selector.
func podTemplate(object any) (*corev1.PodTemplateSpec, *metav1.LabelSelector) {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template, o.Spec.Selector
	case *appsv1.DaemonSet:
		return &o.Spec.Template, o.Spec.Selector
	case *appsv1.StatefulSet:
		return &o.Spec.Template, o.Spec.Selector
	case *batchv1.Job:
		return &o.Spec.Template, nil
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template, nil
	}
	return nil, nil
}

// validate returns the faults for which an API server refuses an object, as far as they
// show in the object alone.
func validate(object any) []error {
	if ingress, ok := object.(*networkingv1.Ingress); ok {
		return validateIngress(ingress)
	}
	template, selector := podTemplate(object)
	if template == nil {
		return nil
	}
	var errs []error
	if selector != nil {
		parsed, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			errs = append(errs, fmt.Errorf("spec.selector: %w", err))
		} else if parsed.Empty() || !parsed.Matches(labels.Set(template.Labels)) {
			errs = append(errs, fmt.Errorf("spec.selector: %s does not match the template's labels %v", parsed, template.Labels))
		}
	}
	return append(errs, validatePod(&template.Spec)...)
}

func validatePod(pod *corev1.PodSpec) []error {
	var errs []error
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range pod.Containers {
		ports := map[string]bool{}
		for _, p := range c.Ports {
			ports[p.Name] = true
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				errs = append(errs, fmt.Errorf("container %s mounts %q, but its Pod has no volume with that name", c.Name, m.Name))
			}
		}
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if probe != nil && probe.HTTPGet != nil && probe.HTTPGet.Port.StrVal != "" && !ports[probe.HTTPGet.Port.StrVal] {
				errs = append(errs, fmt.Errorf("container %s is probed at port %q, but has no port with that name", c.Name, probe.HTTPGet.Port.StrVal))
			}
		}
		errs = append(errs, validateResources(c)...)
	}
	return errs
}

func validateResources(c corev1.Container) []error {
	var errs []error
	for name, request := range c.Resources.Requests {
		if limit, ok := c.Resources.Limits[name]; ok && limit.Cmp(request) < 0 {
			errs = append(errs, fmt.Errorf("container %s: the %s limit %s is below the request %s", c.Name, name, limit.String(), request.String()))
		}
	}
	return errs
}

func validateIngress(ingress *networkingv1.Ingress) []error {
	var errs []error
	hosts := map[string]bool{}
	for _, rule := range ingress.Spec.Rules {
		if hosts[rule.Host] {
			errs = append(errs, fmt.Errorf("spec.rules: host %q has two rules; it must have one", rule.Host))
		}
		hosts[rule.Host] = true
	}
	for _, tls := range ingress.Spec.TLS {
		for _, host := range tls.Hosts {
			if !hosts[host] {
				errs = append(errs, errors.New("spec.tls: the host "+host+" has no rule"))
			}
		}
	}
	return errs
}
