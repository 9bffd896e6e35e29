package settings

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// suggestion returns the end of the message about an unknown key: the key that was probably
// meant, or all known keys.
func suggestion(known []string, unknown string) string {
	for _, key := range known {
		if strings.EqualFold(key, unknown) || near(key, unknown) {
			return fmt.Sprintf("; %q is", key)
		}
	}
	return "; known: " + strings.Join(known, ", ")
}

func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "-" {
			out = append(out, key)
		}
	}
	sort.Strings(out)
	return out
}

// near reports whether the keys differ by one letter, or by two neighbours in the other order.
func near(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return swapped || len(a) <= 1 && len(b) <= 1
}
