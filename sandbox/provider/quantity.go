package provider

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/api/resource"
)

// sameQuantity returns declared if both are the same quantity in different notations,
// and live otherwise. The API server writes "0.5" as "500m".
func sameQuantity(declared, live any) any {
	d, ok := declared.(string)
	l, isText := live.(string)
	if !ok || !isText || d == l {
		return live
	}
	first, errFirst := resource.ParseQuantity(d)
	second, errSecond := resource.ParseQuantity(l)
	if errFirst == nil && errSecond == nil && first.Cmp(second) == 0 {
		return declared
	}
	return live
}

// decodeData returns the live data of a Secret as plain text, for the keys that
// stringData declares. The API server returns it base64-encoded in data.
func decodeData(declared, data any) any {
	keys, ok := declared.(map[string]any)
	if !ok {
		return data
	}
	live, _ := data.(map[string]any) // the server omits empty data
	out := map[string]any{}
	for key := range keys {
		encoded, _ := live[key].(string)
		if text, err := base64.StdEncoding.DecodeString(encoded); err == nil && live[key] != nil {
			out[key] = string(text)
		}
	}
	return out
}
