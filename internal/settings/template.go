package settings

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// templateKey is a configuration key that `pulumi new` writes. It can write text only, and no
// nested values.
type templateKey struct {
	key string
	// path are the keys of the setting below Key. A number is written as text, too.
	path   []string
	number bool
}

// templateKeys are the keys in the section template of Pulumi.yaml.
var templateKeys = []templateKey{
	{key: "platform:domain", path: []string{"domain"}},
	{key: "platform:zone", path: []string{"zone"}},
	{key: "platform:email", path: []string{"email"}},
	{key: "platform:concurrentUsers", path: []string{"capacity", "concurrentUsers"}, number: true},
	{key: "platform:monthlyUsd", path: []string{"budget", "monthlyUsd"}, number: true},
}

// LoadConfig reads the settings of a stack's configuration. They are the value of Key, or the
// keys that `pulumi new` has written: never both. Get returns the text of a key, such as
// pulumi.Context.GetConfig. The error is Faults, with all faults that were found.
func LoadConfig(get func(key string) (string, bool)) (Settings, error) {
	raw, written := map[string]any{}, []string{}
	for _, k := range templateKeys {
		if text, ok := get(k.key); ok {
			k.set(raw, text)
			written = append(written, k.key)
		}
	}
	text, nested := get(Key)
	switch {
	case nested && len(written) > 0:
		return Settings{}, Faults{{Path: "config", Problem: fmt.Sprintf("has %s and %s; move the first into %[2]s, and delete it", strings.Join(written, ", "), Key)}}
	case nested:
		return Load([]byte(text))
	case len(written) > 0:
		return fromRaw(raw)
	}
	return Settings{}, Faults{{Path: "config", Problem: fmt.Sprintf("%q is missing; Pulumi.demo.yaml shows its shape", Key)}}
}

// set writes the text into raw, at the path of the setting.
func (k templateKey) set(raw map[string]any, text string) {
	var value any = text
	if k.number {
		// A text that is no number stays text, and decoding reports it.
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			value = text
		}
	}
	last := len(k.path) - 1
	for _, key := range k.path[:last] {
		if raw[key] == nil {
			raw[key] = map[string]any{}
		}
		raw = raw[key].(map[string]any)
	}
	raw[k.path[last]] = value
}

// TemplateKeys returns the configuration keys that `pulumi new` writes, sorted.
func TemplateKeys() []string {
	var out []string
	for _, k := range templateKeys {
		out = append(out, k.key)
	}
	slices.Sort(out)
	return out
}
