package pulumitest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Graph returns registrations as a tree for reviewers. Each resource has one line with its
// main inputs and a hash of all inputs, so every change shows. The hash omits random and
// secret values.
func Graph(all []Registration) string {
	children := map[string][]Registration{}
	for _, g := range all {
		children[parentKey(g.Parent)] = append(children[parentKey(g.Parent)], g)
	}
	var out strings.Builder
	var walk func(key string, depth int)
	walk = func(key string, depth int) {
		for _, g := range children[key] {
			fmt.Fprintf(&out, "%s%s\n", strings.Repeat("  ", depth), g.line())
			if !g.Custom {
				walk(g.Type+" "+g.Name, depth+1)
			}
		}
	}
	walk("", 0)
	return out.String()
}

// parentKey returns "type name" of a parent's URN, "" for the stack.
func parentKey(urn string) string {
	parts := strings.Split(urn, "::")
	if len(parts) < 4 || strings.HasSuffix(parts[2], "pulumi:pulumi:Stack") {
		return ""
	}
	kind := parts[2][strings.LastIndex(parts[2], "$")+1:]
	return kind + " " + parts[3]
}

// line returns the resource's line in Graph.
func (g Registration) line() string {
	words := []string{g.Type, g.Name}
	words = append(words, g.summary()...)
	if g.Protect {
		words = append(words, "protected")
	}
	if g.Retain {
		words = append(words, "retained")
	}
	if g.DeletedWith != "" {
		words = append(words, "deletedWith="+g.DeletedWith)
	}
	if len(g.IgnoreChanges) > 0 {
		words = append(words, "ignoreChanges="+strings.Join(g.IgnoreChanges, ","))
	}
	if len(g.Secrets) > 0 {
		words = append(words, "secret:"+strings.Join(g.Secrets, ","))
	}
	return strings.Join(append(words, "#"+g.hash()), " ")
}

// mainInputs are the paths of the inputs that Graph shows, by the resource's type.
var mainInputs = map[string][]string{
	"KubernetesCluster":     {"region", "version", "ha", "nodePool.size", "nodePool.nodeCount"},
	"DatabaseCluster":       {"region", "version", "size", "nodeCount"},
	"Vpc":                   {"ipRange"},
	"Record":                {"type", "name", "proxied"},
	"Release":               {"chart", "version"},
	"Namespace":             {"metadata.labels.pod-security.kubernetes.io/enforce"},
	"Service":               {"spec.type"},
	"PersistentVolumeClaim": {"spec.resources.requests.storage"},
	"ResourceQuota":         {"spec.hard.requests.cpu", "spec.hard.requests.memory", "spec.hard.requests.storage", "spec.hard.services.loadbalancers"},
	"Deployment":            {"spec.replicas"},
	"CronJob":               {"spec.schedule"},
}

func (g Registration) summary() []string {
	kind := g.Type[strings.LastIndex(g.Type, ":")+1:]
	var out []string
	for _, path := range mainInputs[kind] {
		if value := Dig(g.Inputs, path); value != nil {
			key := path[strings.LastIndexAny(path, "./")+1:]
			out = append(out, fmt.Sprintf("%s=%v", key, value))
		}
	}
	if kind == "Ingress" {
		rules, _ := Dig(g.Inputs, "spec.rules").([]any)
		for _, rule := range rules {
			out = append(out, fmt.Sprint(Dig(rule, "host")))
		}
	}
	for _, c := range g.Containers() {
		out = append(out, fmt.Sprint(Dig(c, "image")), fmt.Sprintf("cpu=%v", Dig(c, "resources.requests.cpu")),
			fmt.Sprintf("memory=%v..%v", Dig(c, "resources.requests.memory"), Dig(c, "resources.limits.memory")))
	}
	return out
}

// Containers returns the containers in the object's Pod template, nil if it has none.
func (g Registration) Containers() []any {
	containers, found := Dig(g.Inputs, "spec.template.spec.containers").([]any)
	if !found {
		containers, _ = Dig(g.Inputs, "spec.jobTemplate.spec.template.spec.containers").([]any)
	}
	return containers
}

// Dig returns the value at a dotted path in plain inputs, nil if there is none. Keys may
// contain dots.
func Dig(value any, path string) any {
	if path == "" {
		return value
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	for key, child := range object {
		if rest, ok := strings.CutPrefix(path, key); ok && (rest == "" || rest[0] == '.') {
			if found := Dig(child, strings.TrimPrefix(rest, ".")); found != nil {
				return found
			}
		}
	}
	return nil
}

// Text returns plain inputs as JSON. Tests search it for what must not be in it.
func Text(inputs any) string {
	data, err := json.Marshal(inputs)
	if err != nil {
		panic(err) // plain inputs are JSON values
	}
	return string(data)
}

// hash returns a short hash of all inputs without their secret and random values.
func (g Registration) hash() string {
	sum := sha256.Sum256([]byte(Text(stripped(g.Inputs, "", g.Secrets))))
	return hex.EncodeToString(sum[:3])
}

// secretChecksum matches annotations with the checksum of a credential, which is random.
// checksum/config is that of plain configuration.
var secretChecksum = regexp.MustCompile(`checksum/(database|password|secrets)$`)

// revision matches names that end in a hash of their content, which depends on random
// passwords.
var revision = regexp.MustCompile(`-[0-9a-f]{10}$`)

// stripped returns a copy of inputs with fixed texts for secret and random values.
func stripped(value any, path string, secrets []string) any {
	if slices.Contains(secrets, path) || secretChecksum.MatchString(path) {
		return "secret"
	}
	if text, ok := value.(string); ok && path == "metadata.name" && revision.MatchString(text) {
		return "revision"
	}
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, child := range v {
			out[key] = stripped(child, strings.TrimPrefix(path+"."+key, "."), secrets)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = stripped(child, fmt.Sprintf("%s[%d]", path, i), secrets)
		}
		return out
	case string:
		return uuids.ReplaceAllString(v, "uuid")
	}
	return value
}

// uuids matches the random IDs of the cloud.
var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
