package provider

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// previewOutputs returns the outputs of a create in a preview: the inputs, and unknown
// values for the outputs of the cloud.
func (k *kind) previewOutputs(inputs resource.PropertyMap) resource.PropertyMap {
	out := maps.Clone(inputs)
	for _, key := range k.unknown {
		out[resource.PropertyKey(key)] = resource.MakeComputed(resource.NewStringProperty(""))
	}
	return out
}

// outputs returns the inputs and what the cloud computed, with secrets marked.
func (k *kind) outputs(inputs resource.PropertyMap, computed map[string]any) resource.PropertyMap {
	out := maps.Clone(inputs)
	for key, value := range resource.NewPropertyMapFromMap(computed) {
		if slices.Contains(k.secrets, string(key)) {
			value = resource.MakeSecret(value)
		}
		out[key] = value
	}
	return out
}

// diff compares inputs. A change at, below or above a path in replaceOn replaces the
// resource.
func diff(olds, news resource.PropertyMap, replaceOn []string) plugin.DiffResult {
	d := unwrap(olds).Diff(unwrap(news), resource.IsInternalPropertyKey)
	if d == nil {
		return plugin.DiffResult{Changes: plugin.DiffNone}
	}
	result := plugin.DiffResult{
		Changes: plugin.DiffSome, ChangedKeys: d.ChangedKeys(), DetailedDiff: plugin.NewDetailedDiffFromObjectDiff(d, false),
	}
	for path, change := range result.DetailedDiff {
		if !slices.ContainsFunc(replaceOn, func(on string) bool { return overlap(path, on) }) {
			continue
		}
		key, _, _ := strings.Cut(path, ".")
		result.ReplaceKeys = append(result.ReplaceKeys, resource.PropertyKey(key))
		change.Kind = change.Kind.AsReplace()
		result.DetailedDiff[path] = change
	}
	return result
}

// overlap reports whether one of two paths is the other one or lies below it.
func overlap(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[') || strings.HasPrefix(other, path+".")
}

// unwrap returns inputs without the wrappers of secrets and outputs. Unknown values stay
// unknown.
func unwrap(m resource.PropertyMap) resource.PropertyMap {
	return unwrapValue(resource.NewObjectProperty(m)).ObjectValue()
}

func unwrapValue(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return unwrapValue(v.SecretValue().Element)
	case v.IsOutput():
		if !v.OutputValue().Known {
			return resource.MakeComputed(resource.NewStringProperty(""))
		}
		return unwrapValue(v.OutputValue().Element)
	case v.IsArray():
		out := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, element := range v.ArrayValue() {
			out[i] = unwrapValue(element)
		}
		return resource.NewArrayProperty(out)
	case v.IsObject():
		out := make(resource.PropertyMap, len(v.ObjectValue()))
		for key, element := range v.ObjectValue() {
			out[key] = unwrapValue(element)
		}
		return resource.NewObjectProperty(out)
	}
	return v
}

// markSecrets returns news with the values marked secret that are secret in olds.
func markSecrets(olds, news resource.PropertyMap) resource.PropertyMap {
	return markSecret(resource.NewObjectProperty(olds), resource.NewObjectProperty(news)).ObjectValue()
}

func markSecret(old, value resource.PropertyValue) resource.PropertyValue {
	switch {
	case old.IsSecret():
		return resource.MakeSecret(value)
	case old.IsOutput() && old.OutputValue().Secret:
		return resource.MakeSecret(value)
	case old.IsObject() && value.IsObject():
		out := make(resource.PropertyMap, len(value.ObjectValue()))
		for key, element := range value.ObjectValue() {
			out[key] = markSecret(old.ObjectValue()[key], element)
		}
		return resource.NewObjectProperty(out)
	case old.IsArray() && value.IsArray():
		out := slices.Clone(value.ArrayValue())
		for i := range out {
			if i < len(old.ArrayValue()) {
				out[i] = markSecret(old.ArrayValue()[i], out[i])
			}
		}
		return resource.NewArrayProperty(out)
	}
	return value
}

// text returns the string at a path of the inputs; "" if it is missing, unknown or no
// string.
func text(m resource.PropertyMap, path ...string) string {
	at := resource.NewObjectProperty(m)
	for _, key := range path {
		if !at.IsObject() {
			return ""
		}
		at = at.ObjectValue()[resource.PropertyKey(key)]
	}
	if !at.IsString() {
		return ""
	}
	return at.StringValue()
}
