package settings

import (
	"slices"

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

// fromAnswers returns the settings of the keys that `pulumi new` writes.
func fromAnswers(answers map[string]string, faults *Faults) Settings {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, k := range templateKeys {
		if text, ok := answers[k.key]; ok {
			k.set(root, text)
		}
	}
	return fromNode(root, faults)
}

// set writes the text below root, at the path of the setting.
func (k templateKey) set(root *yaml.Node, text string) {
	for _, key := range k.path[:len(k.path)-1] {
		section := &yaml.Node{Kind: yaml.MappingNode}
		root.Content = append(root.Content, textNode(key), section)
		root = section
	}
	value := textNode(text)
	// A text that is no number stays text, and decoding reports it.
	if number, err := parse([]byte(text), MaxBytes); k.number && err == nil && number != nil {
		value = number
	}
	root.Content = append(root.Content, textNode(k.path[len(k.path)-1]), value)
}

func textNode(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
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
