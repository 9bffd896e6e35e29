package provider

import (
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// previewed is what a create promises: the inputs, and outputs yet unknown.
func (k *kind) previewed(inputs resource.PropertyMap) resource.PropertyMap {
	out := maps.Clone(inputs)
	for _, key := range k.unknown {
		out[resource.PropertyKey(key)] = resource.MakeComputed(resource.NewStringProperty(""))
	}
	return out
}

// outputs are the inputs as they are and what the cloud computed.
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

// diff compares inputs. A path in replaceOn matches what lies below it too.
func diff(olds, news resource.PropertyMap, replaceOn []string) plugin.DiffResult {
	d := open(olds).Diff(open(news), resource.IsInternalPropertyKey)
	if d == nil {
		return plugin.DiffResult{Changes: plugin.DiffNone}
	}
	result := plugin.DiffResult{
		Changes: plugin.DiffSome, ChangedKeys: d.ChangedKeys(), DetailedDiff: plugin.NewDetailedDiffFromObjectDiff(d, false),
	}
	for path, change := range result.DetailedDiff {
		if !slices.ContainsFunc(replaceOn, func(on string) bool { return within(path, on) }) {
			continue
		}
		key, _, _ := strings.Cut(path, ".")
		result.ReplaceKeys = append(result.ReplaceKeys, resource.PropertyKey(key))
		change.Kind = change.Kind.AsReplace()
		result.DetailedDiff[path] = change
	}
	return result
}

func within(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[') || strings.HasPrefix(prefix, path+".")
}

// open removes the marks of secrets and of outputs; unknown values stay.
func open(m resource.PropertyMap) resource.PropertyMap {
	return opened(resource.NewObjectProperty(m)).ObjectValue()
}

func opened(v resource.PropertyValue) resource.PropertyValue {
	switch {
	case v.IsSecret():
		return opened(v.SecretValue().Element)
	case v.IsOutput():
		if !v.OutputValue().Known {
			return resource.MakeComputed(resource.NewStringProperty(""))
		}
		return opened(v.OutputValue().Element)
	case v.IsArray():
		out := make([]resource.PropertyValue, len(v.ArrayValue()))
		for i, element := range v.ArrayValue() {
			out[i] = opened(element)
		}
		return resource.NewArrayProperty(out)
	case v.IsObject():
		out := make(resource.PropertyMap, len(v.ObjectValue()))
		for key, element := range v.ObjectValue() {
			out[key] = opened(element)
		}
		return resource.NewObjectProperty(out)
	}
	return v
}

// closeAs marks as secret in news what was secret in olds.
func closeAs(olds, news resource.PropertyMap) resource.PropertyMap {
	return closedAs(resource.NewObjectProperty(olds), resource.NewObjectProperty(news)).ObjectValue()
}

func closedAs(old, value resource.PropertyValue) resource.PropertyValue {
	switch {
	case old.IsSecret():
		return resource.MakeSecret(value)
	case old.IsOutput() && old.OutputValue().Secret:
		return resource.MakeSecret(value)
	case old.IsObject() && value.IsObject():
		out := make(resource.PropertyMap, len(value.ObjectValue()))
		for key, element := range value.ObjectValue() {
			out[key] = closedAs(old.ObjectValue()[key], element)
		}
		return resource.NewObjectProperty(out)
	case old.IsArray() && value.IsArray():
		out := slices.Clone(value.ArrayValue())
		for i := range out {
			if i < len(old.ArrayValue()) {
				out[i] = closedAs(old.ArrayValue()[i], out[i])
			}
		}
		return resource.NewArrayProperty(out)
	}
	return value
}

// text reads a string of inputs; "" when it is not there or not known.
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
