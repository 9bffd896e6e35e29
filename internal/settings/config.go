package settings

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// LoadConfig reads the settings of a stack's configuration. They are the value of Key, or the
// keys that `pulumi new` has written: never both. Get returns the text of a key, such as
// pulumi.Context.GetConfig. The error is Faults, with all faults that were found.
func LoadConfig(get func(key string) (string, bool)) (Settings, error) {
	var faults Faults
	s := load(func(key string) (*yaml.Node, bool) {
		text, ok := get(key)
		return textNode(text), ok
	}, &faults)
	return s, faults.orNil()
}

// LoadStackFile is like LoadConfig, for the text of a whole Pulumi.<stack>.yaml.
func LoadStackFile(data []byte) (Settings, error) {
	var faults Faults
	file, err := parse(data, MaxFileBytes)
	if err != nil {
		faults.at("stack file", "%v", err)
		return Settings{}, faults.orNil()
	}
	values := configOf(file, &faults)
	s := load(func(key string) (*yaml.Node, bool) {
		value, ok := values[key]
		return value, ok
	}, &faults)
	return s, faults.orNil()
}

// configOf returns the values of a stack file's configuration.
func configOf(file *yaml.Node, faults *Faults) map[string]*yaml.Node {
	values := map[string]*yaml.Node{}
	for _, top := range entries(file) {
		if top.key != "config" {
			continue
		}
		for _, entry := range entries(top.value) {
			key, ok := configKey(entry.key)
			switch {
			case !ok:
				faults.at("config."+entry.key, "is no key of Pulumi; write the name of the program and the name of the key, such as %s", Key)
			case values[key] != nil:
				faults.at(key, "is there twice; delete one of them")
			default:
				checkKey(key, faults)
			}
			values[key] = entry.value
		}
	}
	return values
}

// namespace is the prefix of this program's keys.
const namespace = "platform:"

// configKey returns a key as Pulumi passes it to the program: a key without a prefix gets the
// name of the project (stackConfigNamespacedWithProject in Pulumi's workspace package), and the
// old form with "config" in the middle loses it.
func configKey(written string) (key string, ok bool) {
	switch parts := strings.Split(written, ":"); {
	case len(parts) == 1:
		return namespace + written, true
	case len(parts) == 2:
		return written, true
	case len(parts) == 3 && parts[1] == "config":
		return parts[0] + ":" + parts[2], true
	}
	return written, false
}

// CheckKeys returns an error, which is Faults, for each key of this program that nothing
// reads. It ignores the keys of other programs, such as "pulumi:tags".
func CheckKeys(keys []string) error {
	var faults Faults
	for _, key := range keys {
		checkKey(key, &faults)
	}
	return faults.orNil()
}

func checkKey(key string, faults *Faults) {
	known := append(append(TemplateKeys(), Key), SecretKeys()...)
	if strings.HasPrefix(key, namespace) && !slices.Contains(known, key) {
		faults.at(key, "is no key of this program%s", suggestion(known, key))
	}
}

type entry struct {
	key   string
	value *yaml.Node
}

// entries returns the entries of a map, and nil for any other node.
func entries(node *yaml.Node) []entry {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	var out []entry
	for i := 0; i+1 < len(node.Content); i += 2 {
		value := node.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		out = append(out, entry{node.Content[i].Value, value})
	}
	return out
}

func load(get func(key string) (*yaml.Node, bool), faults *Faults) Settings {
	answers := map[string]string{}
	for _, k := range templateKeys {
		if node, ok := get(k.key); ok {
			answers[k.key] = node.Value
		}
	}
	node, nested := get(Key)
	switch {
	case nested && len(answers) > 0:
		faults.at("config", "has %s and %s; move the first into %[2]s, and delete it", strings.Join(slices.Sorted(maps.Keys(answers)), ", "), Key)
	case nested && node.Kind == yaml.ScalarNode && !isNull(node):
		return fromText(node.Value, faults)
	case nested:
		return fromNode(node, faults)
	case len(answers) > 0:
		return fromAnswers(answers, faults)
	default:
		faults.at("config", "%q is missing; Pulumi.demo.yaml shows its shape", Key)
	}
	return Settings{}
}
