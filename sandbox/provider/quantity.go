package provider

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/api/resource"
)

// sameQuantity is the declared form of a quantity that the server writes in
// another one.
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

// decoded is a Secret's data as the text that was declared.
func decoded(declared, data any) any {
	keys, ok := declared.(map[string]any)
	if !ok {
		return data
	}
	live, _ := data.(map[string]any) // the server leaves out what is empty
	out := map[string]any{}
	for key := range keys {
		encoded, _ := live[key].(string)
		if text, err := base64.StdEncoding.DecodeString(encoded); err == nil && live[key] != nil {
			out[key] = string(text)
		}
	}
	return out
}
