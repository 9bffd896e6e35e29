package stacks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/genericcorp/platform/sandbox/pulumitest"
)

// podExceptions are the workloads, or the containers as "workload/container", that do not follow
// a rule, with the reason. An exception that no stack needs fails the test.
var podExceptions = map[string]map[string]string{
	"the image has a digest": {
		"pooler/pooler":        noDigest,
		"pooler/exporter":      noDigest,
		"vmalert/vmalert":      noDigest,
		"vmalert/alertmanager": noDigest,
		"app/app":              "app.image is the user's; an exact tag is enough",
	},
	"no volume is on the node": {"node-exporter": "it measures the node's disks"},
	"has a readiness probe":    {"pooler/exporter": "a Pod whose exporter fails still serves clients"},
	"has a startup probe": {
		"pooler/exporter":                       startsFast,
		"pooler/pooler":                         startsFast,
		"kube-state-metrics/kube-state-metrics": startsFast,
		"node-exporter/node-exporter":           startsFast,
	},
	"readiness asks another endpoint than liveness": {
		"traefik/traefik":                       oneEndpoint,
		"grafana/grafana":                       oneEndpoint,
		"victoria-metrics/victoria-metrics":     oneEndpoint,
		"vmalert/vmalert":                       oneEndpoint,
		"node-exporter/node-exporter":           oneEndpoint,
		"kube-state-metrics/kube-state-metrics": "nothing depends on its readiness",
		"pooler/pooler":                         "both ask whether the port is open; while the database restarts, clients wait",
	},
}

const (
	noDigest    = "no digest is confirmed; Renovate's first pull request adds it"
	startsFast  = "it listens within a second"
	oneEndpoint = "the program has one endpoint of its health"
)

// rules has what a Pod or a container must be, by a text that says it.
type rules map[string]bool

func TestEveryPodFollowsTheRulesOfSecurityAndProbes(t *testing.T) {
	used := map[string][]string{}
	for _, variant := range variants {
		all, pods := declaredVariant(t, variant), 0
		for _, g := range all {
			template := podTemplate(g)
			if template == nil {
				continue
			}
			pods++
			check := func(of string, r rules) {
				for _, rule := range slices.Sorted(maps.Keys(r)) {
					if !r[rule] {
						used[rule] = append(used[rule], of)
						assert.Contains(t, podExceptions[rule], of, "%s: %s breaks the rule: %s", variant, of, rule)
					}
				}
			}
			check(g.Name, podRules(all, g))
			containers := append(list(template, "spec.containers"), list(template, "spec.initContainers")...)
			for _, c := range containers {
				of := fmt.Sprintf("%s/%v", g.Name, pulumitest.Dig(c, "name"))
				check(of, containerRules(c))
				if strings.HasPrefix(g.Type, "kubernetes:apps/") {
					check(of, probeRules(c))
				} else {
					check(of, rules{"a Pod that ends has no probe": probeOf(c, "liveness") == nil && probeOf(c, "readiness") == nil && probeOf(c, "startup") == nil})
				}
			}
		}
		assert.GreaterOrEqual(t, pods, 12, "objects with Pods in %s", variant)
	}
	for rule, exceptions := range podExceptions {
		for of := range exceptions {
			assert.Contains(t, used[rule], of, "the exception of the rule %q is not needed; delete it", rule)
		}
	}
}

// podRules are the rules for the Pods of an object.
func podRules(all []pulumitest.Registration, g pulumitest.Registration) rules {
	template := podTemplate(g)
	spec := func(path string) any { return pulumitest.Dig(template, "spec."+path) }
	uid, _ := spec("securityContext.runAsUser").(float64)
	namespace := pulumitest.Dig(g.Inputs, "metadata.namespace").(string)
	account, _ := spec("serviceAccountName").(string)
	hasRights := len(bindingsOf(all, namespace, account)) > 0
	annotations := pulumitest.Text(pulumitest.Dig(template, "metadata.annotations"))
	staysAndReads := strings.HasPrefix(g.Type, "kubernetes:apps/") && len(mountedIn(template)) > 0
	return rules{
		"has a checksum of what it reads once":                 !staysAndReads || strings.Contains(annotations, `"checksum/`),
		"runs as a user that is not root":                      spec("securityContext.runAsNonRoot") == true && uid > 0,
		"has the seccomp profile of the runtime":               spec("securityContext.seccompProfile.type") == "RuntimeDefault",
		"has a token of its account if that has rights":        spec("automountServiceAccountToken") == hasRights,
		"has an account of its own":                            account == g.Name || g.Name == "confirm" && account == "reconcile",
		"has no variables about other Services":                spec("enableServiceLinks") == false,
		"shares nothing with the node":                         spec("hostNetwork") == nil && spec("hostPID") == nil && spec("hostIPC") == nil,
		"no volume is on the node":                             len(texts(list(template, "spec.volumes"), "hostPath.path")) == 0,
		"every scratch volume has a limit":                     scratchIsLimited(template),
		"runs longer than its containers wait before they end": gracePeriod(template) > longestPreStop(template),
	}
}

// digest and exactTag match the end of an image's name: a digest, and a tag with a whole version.
var (
	digest   = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	exactTag = regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?[a-z0-9.-]*(@sha256:[0-9a-f]{64})?$`)
)

// containerRules are the rules for a container.
func containerRules(c any) rules {
	security := func(path string) any { return pulumitest.Dig(c, "securityContext."+path) }
	image, _ := pulumitest.Dig(c, "image").(string)
	pull := pulumitest.Dig(c, "imagePullPolicy")
	return rules{
		"cannot gain rights":                      security("allowPrivilegeEscalation") == false && security("privileged") == nil,
		"cannot write to its image":               security("readOnlyRootFilesystem") == true,
		"has no capability":                       assert.ObjectsAreEqual([]any{"ALL"}, security("capabilities.drop")) && security("capabilities.add") == nil,
		"has the user and the profile of its Pod": security("runAsUser") == nil && security("runAsNonRoot") == nil && security("seccompProfile") == nil,
		"the image has an exact tag":              exactTag.MatchString(image) && pull == nil,
		"the image has a digest":                  digest.MatchString(image),
	}
}

func scratchIsLimited(template any) bool {
	volumes := list(template, "spec.volumes")
	scratch := slices.DeleteFunc(slices.Clone(volumes), func(v any) bool { return pulumitest.Dig(v, "emptyDir") == nil })
	return len(texts(scratch, "emptyDir.sizeLimit")) == len(scratch)
}

// gracePeriod returns how many seconds a Pod has to end. Kubernetes' default is 30.
func gracePeriod(template any) float64 {
	if seconds, ok := pulumitest.Dig(template, "spec.terminationGracePeriodSeconds").(float64); ok {
		return seconds
	}
	return 30
}

// longestPreStop returns how many seconds a Pod's containers wait before they end, or before they
// stop their servers (Traefik).
func longestPreStop(template any) float64 {
	longest := 0.0
	for _, c := range list(template, "spec.containers") {
		seconds, _ := pulumitest.Dig(c, "lifecycle.preStop.sleep.seconds").(float64)
		for _, flag := range list(c, "args") {
			var more float64
			_, text, _ := strings.Cut(flag.(string), ".transport.lifeCycle.")
			if _, value, ok := strings.Cut(text, "="); ok {
				if _, err := fmt.Sscanf(value, "%fs", &more); err == nil {
					seconds += more
				}
			}
		}
		longest = max(longest, seconds)
	}
	return longest
}
