package apiserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// unready returns the reason why the real provider would still wait for a live object; ""
// if the object is ready.
func unready(live map[string]any) string {
	switch live["kind"] {
	case "Deployment", "StatefulSet":
		return rollout(live)
	case "DaemonSet":
		wanted, ready := number(live, "status", "desiredNumberScheduled"), number(live, "status", "numberReady")
		if observed(live) && ready == wanted && number(live, "status", "updatedNumberScheduled") == wanted {
			return ""
		}
		return fmt.Sprintf("%v of %v Pods are ready", ready, wanted)
	case "Job":
		return condition(live, "Complete", "True")
	case "CustomResourceDefinition":
		return condition(live, "Established", "True")
	case "PersistentVolumeClaim":
		if phase := Field(live, "status", "phase"); phase != "Bound" {
			return fmt.Sprintf("its phase is %q", phase)
		}
	case "Service":
		addresses, _ := dig(live, "status", "loadBalancer", "ingress").([]any)
		if Field(live, "spec", "type") == "LoadBalancer" && len(addresses) == 0 {
			return "it has no address"
		}
	}
	return awaited(live)
}

// awaited returns the first condition of the annotation pulumi.com/waitFor that is not met. The
// annotation is a condition, or a JSON list of them (ReadyCondition of pulumi-kubernetes 4.33).
func awaited(live map[string]any) string {
	text := annotation(live, "pulumi.com/waitFor")
	if text == "" {
		return ""
	}
	var all []string
	if json.Unmarshal([]byte(text), &all) != nil {
		all = []string{text}
	}
	for _, one := range all {
		if kind, ok := strings.CutPrefix(one, "condition="); ok {
			if reason := condition(live, kind, "True"); reason != "" {
				return reason
			}
			continue
		}
		path, want, ok := strings.Cut(strings.TrimPrefix(one, "jsonpath={"), "}=")
		if found := Field(live, segments(path)...); !ok || found != want {
			return fmt.Sprintf("%s is %q", one, found)
		}
	}
	return ""
}

// segment matches a part of a JSONPath: .name or ['name'].
var segment = regexp.MustCompile(`\.(\w+)|\['([^']+)'\]`)

func segments(path string) []string {
	var out []string
	for _, match := range segment.FindAllStringSubmatch(path, -1) {
		out = append(out, match[1]+match[2])
	}
	return out
}

// jobFailure returns an error for a Job that has failed and will not be tried again.
func jobFailure(live map[string]any) error {
	conditions, _ := dig(live, "status", "conditions").([]any)
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && live["kind"] == "Job" && c["type"] == "Failed" && c["status"] == "True" {
			return errors.New("the Job failed: " + Field(c, "message"))
		}
	}
	return nil
}

// observed reports whether the status is about the present specification.
func observed(live map[string]any) bool {
	return number(live, "status", "observedGeneration") >= number(live, "metadata", "generation")
}

func rollout(live map[string]any) string {
	wanted := number(live, "spec", "replicas")
	updated, available, all := number(live, "status", "updatedReplicas"), number(live, "status", "availableReplicas"), number(live, "status", "replicas")
	if observed(live) && updated == wanted && available == wanted && all == wanted {
		return ""
	}
	return fmt.Sprintf("%v of %v Pods are updated, %v available, %v in all", updated, wanted, available, all)
}

func condition(live map[string]any, kind, value string) string {
	conditions, _ := dig(live, "status", "conditions").([]any)
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == kind && c["status"] == value {
			return ""
		}
	}
	return fmt.Sprintf("it is not %s: %v", kind, conditions)
}
