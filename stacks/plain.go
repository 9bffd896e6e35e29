package stacks

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/meter"
)

// plain converts inputs to plain values for the meter. An output of another resource becomes
// meter.Unknown.
func plain(input any) any {
	switch v := input.(type) {
	case nil:
		return nil
	case pulumi.Map:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = plain(value)
		}
		return out
	case pulumi.Array:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = plain(value)
		}
		return out
	case pulumi.String:
		return string(v)
	case pulumi.Bool:
		return bool(v)
	case pulumi.Float64:
		return float64(v)
	case pulumi.Int:
		return int(v)
	}
	return meter.Unknown{}
}

// plainProperty converts a property of the engine to a plain value for the meter. A value that
// is not known becomes meter.Unknown.
func plainProperty(v resource.PropertyValue) any {
	switch {
	case v.IsSecret():
		return plainProperty(v.SecretValue().Element)
	case v.IsOutput() && v.OutputValue().Known:
		return plainProperty(v.OutputValue().Element)
	case v.IsObject():
		out := map[string]any{}
		for key, value := range v.ObjectValue() {
			out[string(key)] = plainProperty(value)
		}
		return out
	case v.IsArray():
		out := []any{}
		for _, value := range v.ArrayValue() {
			out = append(out, plainProperty(value))
		}
		return out
	case v.IsNull(), v.IsString(), v.IsBool(), v.IsNumber():
		return v.V
	}
	return meter.Unknown{}
}
