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

// Graph prints registrations as a tree that a reviewer reads: a line for each,
// with what matters of it and a hash of all its inputs, so that no change is
// without a trace. Random values are left out of the hash.
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

// parentKey is "type name" of a parent's URN, "" below the stack.
func parentKey(urn string) string {
	parts := strings.Split(urn, "::")
	if len(parts) < 4 || strings.HasSuffix(parts[2], "pulumi:pulumi:Stack") {
		return ""
	}
	kind := parts[2][strings.LastIndex(parts[2], "$")+1:]
	return kind + " " + parts[3]
}

func (g Registration) line() string {
	words := []string{g.Type, g.Name}
	words = append(words, g.facts()...)
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

// factPaths are the inputs that a reviewer asks about first, by their type.
var factPaths = map[string][]string{
	"KubernetesCluster":     {"region", "version", "ha", "nodePool.size", "nodePool.nodeCount"},
	"DatabaseCluster":       {"region", "version", "size", "nodeCount"},
	"Vpc":                   {"ipRange"},
	"Record":                {"type", "name", "proxied"},
	"Release":               {"chart", "version"},
	"Namespace":             {"metadata.labels.pod-security.kubernetes.io/enforce"},
	"Service":               {"spec.type"},
	"PersistentVolumeClaim": {"spec.resources.requests.storage"},
	"Deployment":            {"spec.replicas"},
	"CronJob":               {"spec.schedule"},
}

func (g Registration) facts() []string {
	kind := g.Type[strings.LastIndex(g.Type, ":")+1:]
	var out []string
	for _, path := range factPaths[kind] {
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

// Containers are those of the Pods that an object runs.
func (g Registration) Containers() []any {
	containers, found := Dig(g.Inputs, "spec.template.spec.containers").([]any)
	if !found {
		containers, _ = Dig(g.Inputs, "spec.jobTemplate.spec.template.spec.containers").([]any)
	}
	return containers
}

// Dig follows a dotted path into plain inputs; a key may have dots of its own.
// It returns nil where nothing is.
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

// Text is plain inputs as JSON, to look for what must not be there.
func Text(inputs any) string {
	data, err := json.Marshal(inputs)
	if err != nil {
		panic(err) // plain inputs always have JSON
	}
	return string(data)
}

// hash is over all inputs but secret ones, random or not.
func (g Registration) hash() string {
	sum := sha256.Sum256([]byte(Text(stripped(g.Inputs, "", g.Secrets))))
	return hex.EncodeToString(sum[:3])
}

// secretChecksum is an annotation with a checksum of a credential; that of plain
// configuration is checksum/config.
var secretChecksum = regexp.MustCompile(`checksum/(database|password|secrets)$`)

// revision is a name by content, which depends on random passwords.
var revision = regexp.MustCompile(`-[0-9a-f]{10}$`)

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

// uuids are what the cloud gives at random.
var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
